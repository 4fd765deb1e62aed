"""The page at `/`, in a real browser: digits are drawn on it as a hand would, and the models that were served answer."""

from __future__ import annotations

import math
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifiers import write_value
from PIL import Image
from running import Server, serving
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from fluidline.runs import RunFolder

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1200,820"),
    *("--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
SIDE = 280  # of the paper

pytestmark = [
    pytest.mark.timeout(400),  # two models are trained first
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="needs a browser: Debian's packages chromium and chromium-driver"
    ),
]


def arc(x: float, y: float, wide: float, high: float, begin: float, end: float) -> list[tuple[float, float]]:
    """Return points on an ellipse, the angles in degrees, clockwise from the right."""
    angles = np.radians(np.linspace(begin, end, 14))
    return [(x + wide * math.cos(angle), y + high * math.sin(angle)) for angle in angles]


DIGITS = {
    "0": [arc(140, 140, 55, 80, -90, 270)],
    "1": [[(140, 60), (140, 220)]],
    "3": [[(90, 60), *arc(140, 95, 50, 45, -120, 60), (130, 140), *arc(140, 190, 55, 50, -90, 90), (85, 230)]],
    "4": [[(110, 60), (85, 150), (190, 150)], [(165, 80), (160, 225)]],
    "7": [[(80, 70), (195, 70), (125, 225)]],
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of two models that learned from drawn digits, exported."""
    from export.inference import export_inference
    from export.onnx import export_onnx
    from pipeline.config import load_config
    from pipeline.train import train

    root = tmp_path_factory.mktemp("runs")
    for model, epochs in (("mlp", 3), ("softmax", 1)):
        train(load_config(model=model, data="builtin", epochs=epochs, run=model, runs_dir=str(root)))
        export_inference(RunFolder(root / model))
        export_onnx(RunFolder(root / model))
    return root


@pytest.fixture(scope="module")
def server(runs: Path) -> Iterator[Server]:
    with serving("--runs-dir", runs, "--run", "mlp", "--run", "softmax", "--workers", 1) as running:
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


class Page:
    """The page as one who uses it meets it."""

    def __init__(self, browser: webdriver.Chrome, server: Server) -> None:
        self.browser, self.server = browser, server
        browser.get(f"http://127.0.0.1:{server.port}/")
        self.paper = self.find("#paper")

    def find(self, selector: str) -> Any:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[Any]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def draw(self, *strokes: list[tuple[float, float]]) -> None:
        for first, *rest in strokes:
            hand = ActionChains(self.browser, duration=5)
            hand.move_to_element_with_offset(self.paper, *self._from_the_middle(first)).click_and_hold()
            for point in rest:
                hand.move_to_element_with_offset(self.paper, *self._from_the_middle(point))
            hand.release().perform()

    def _from_the_middle(self, point: tuple[float, float]) -> tuple[int, int]:
        return round(point[0] - SIDE / 2), round(point[1] - SIDE / 2)

    def wait_for_answer(self, pattern: str) -> str:
        """Return the answer that matches and is the last one for what was drawn."""

        def last() -> str | None:
            text = self.find("#answer").text
            if not re.search(pattern, text):
                return None
            time.sleep(0.3)
            return text if self.find("#answer").text == text else None

        return self.server.wait_for(last)

    @property
    def given(self) -> np.ndarray:
        """The 28x28 pixels that are shown as what the models were given."""
        script = "return [...arguments[0].getContext('2d').getImageData(0, 0, 28, 28).data]"
        return np.array(self.browser.execute_script(script, self.find("#given"))).reshape(28, 28, 4)[..., 0]

    def probabilities(self, label: str) -> list[float]:
        return [float(bar.get_attribute("value")) for bar in self.all(f"tr[data-label='{label}'] meter")]


@pytest.fixture
def page(browser: webdriver.Chrome, server: Server) -> Iterator[Page]:
    opened = Page(browser, server)
    server.wait_for(lambda: opened.all("#bars tbody tr"))
    browser.get_log("browser")
    yield opened
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_that_is_drawn_is_recognised(page, digit):
    page.draw(*DIGITS[digit])
    text = page.wait_for_answer(rf"^{digit}, says [^;]*mlp")
    mlp, softmax = page.probabilities(digit)
    assert mlp > 0.5
    assert f"mlp ({100 * mlp:.1f} %)" in text
    assert page.find(f"tr[data-label='{digit}'] td").get_attribute("class") == "best"
    assert sum(page.probabilities(label)[1] for label in "0123456789") == pytest.approx(1, abs=1e-4)
    assert 0 <= softmax <= 1


def test_what_the_models_were_given_is_the_drawing_light_on_dark_and_centred(page):
    page.draw([(40, 40), (40, 120)])  # in a corner
    page.wait_for_answer("^1, says")
    given = page.given
    rows, columns = np.nonzero(given > 128)
    assert given[0].max() == 0
    assert abs(columns.mean() - 13.5) < 1.5
    assert np.ptp(rows) >= 17


def test_the_bars_move_while_the_pen_is_still_down(page):
    hand = ActionChains(page.browser, duration=5)
    hand.move_to_element_with_offset(page.paper, 0, -80).click_and_hold()
    hand.move_to_element_with_offset(page.paper, 0, 80).perform()
    page.wait_for_answer("^1, says")
    assert page.find("#answer").get_attribute("aria-live") == "off"
    ActionChains(page.browser).release().perform()
    assert page.find("#answer").get_attribute("aria-live") == "polite"


def test_the_keyboard_draws_and_clears(page):
    page.paper.send_keys(*[Keys.ARROW_UP] * 10, Keys.SPACE, *[Keys.ARROW_DOWN] * 20, Keys.SPACE)
    page.wait_for_answer("^1, says")
    page.paper.send_keys(Keys.DELETE)
    page.server.wait_for(lambda: not page.find("#answer").text)
    assert page.given.max() == 0
    assert page.probabilities("1") == [0, 0]


def test_everything_can_be_reached_with_the_tab_key_and_has_a_name(page):
    names = []
    for _ in range(6):
        ActionChains(page.browser).send_keys(Keys.TAB).perform()
        names.append(page.browser.switch_to.active_element.accessible_name)
    assert names == ["Paper to draw on", "Clear", "Choose an image", "Pen", "Probabilities", "The API"]
    assert page.find("#answer").aria_role == "status"
    assert page.find("tr[data-label='3'] meter").accessible_name == "3, mlp"


def test_a_chosen_file_is_answered_and_the_button_clears_it(page, tmp_path):
    image = Image.new("L", (200, 300), 255)
    image.paste(0, (90, 40, 110, 260))
    image.save(tmp_path / "one.png")
    page.find("#file").send_keys(str(tmp_path / "one.png"))
    page.wait_for_answer("^1, says")
    page.find("#clear").click()
    page.server.wait_for(lambda: not page.find("#answer").text)


def test_an_image_that_is_dropped_is_answered(page):
    script = """
        const canvas = Object.assign(document.createElement("canvas"), {width: 100, height: 100});
        const pen = canvas.getContext("2d");
        pen.fillRect(0, 0, 100, 100);
        pen.fillStyle = "#fff";
        pen.fillRect(45, 15, 8, 70);
        canvas.toBlob((blob) => {
            const dropped = new DataTransfer();
            dropped.items.add(new File([blob], "one.png", {type: "image/png"}));
            document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: dropped, bubbles: true, cancelable: true}));
        });"""
    page.browser.execute_script(script)
    page.wait_for_answer("^1, says")


def test_a_file_that_is_no_image_is_told_in_words(browser, server, tmp_path):
    page = Page(browser, server)
    server.wait_for(lambda: page.all("#bars tbody tr"))
    (tmp_path / "notes.png").write_text("no image")
    page.find("#file").send_keys(str(tmp_path / "notes.png"))
    problem = server.wait_for(lambda: page.find("#problem").text)
    assert "image" in problem
    assert page.find("#problem").aria_role == "alert"
    page.draw(*DIGITS["1"])
    page.wait_for_answer("^1, says")
    assert not page.find("#problem").is_displayed()


def test_nothing_is_loaded_from_elsewhere(page):
    page.draw(*DIGITS["1"])
    page.wait_for_answer("^1, says")
    loaded = page.browser.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    home = f"http://127.0.0.1:{page.server.port}/"
    assert {f"{home}page.js", f"{home}page.css", f"{home}models"} <= set(loaded)
    assert [name for name in loaded if not name.startswith((home, "data:", "blob:"))] == []


def test_on_a_narrow_screen_nothing_is_cut_off(page):
    page.browser.set_window_size(500, 900)
    try:
        wide = page.browser.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
    finally:
        page.browser.set_window_size(1200, 820)
    assert wide <= 0


def test_a_value_is_shown_and_models_that_are_not_for_images_are_told_of(browser, runs, tmp_path):
    ink, houses = write_value(tmp_path / "ink.onnx"), write_value(tmp_path / "houses.onnx", size=(3,))
    with serving("--model", runs / "mlp", "--model", ink, "--model", houses, "--workers", 1) as server:
        page = Page(browser, server)
        server.wait_for(lambda: page.all("#bars tbody tr"))
        assert (
            "houses takes rows of a table, 3 numbers each: POST /predict?model=houses" in page.find("#elsewhere").text
        )
        page.draw(*DIGITS["1"])
        text = page.wait_for_answer("^1, says mlp .*; -[0-9.]+, says ink$")
        assert page.find("tr[data-label='value'] output").text in text
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_a_server_without_a_model_for_images_says_so(browser, tmp_path):
    with serving("--model", write_value(tmp_path / "houses.onnx", size=(3,)), "--workers", 1) as server:
        page = Page(browser, server)
        server.wait_for(lambda: page.find("#elsewhere").is_displayed())
        assert not page.find("#paper").is_displayed()
        assert page.find("#elsewhere h2").text == "Not for images"
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_a_server_with_a_key_asks_for_it(browser, runs):
    with serving("--runs-dir", runs, "--run", "mlp", "--workers", 1, "--api-key", "secret") as server:
        page = Page(browser, server)
        server.wait_for(lambda: page.find("#key-form").is_displayed())
        page.find("#key").send_keys("secret", Keys.ENTER)
        server.wait_for(lambda: page.all("#bars tbody tr"))
        page.draw(*DIGITS["1"])
        page.wait_for_answer("^1, says")
