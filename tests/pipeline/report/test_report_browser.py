"""The report in a real browser: what it shows, in light and dark, on a desk and on a phone, and on paper."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from reported import CLASSES
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from fluidline.runs import RunFolder
from pipeline.report import SECTIONS, report

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1200,900"),
    *("--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

pytestmark = [
    pytest.mark.timeout(300),  # a model is trained, exported and measured first
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="needs a browser: Debian's packages chromium and chromium-driver"
    ),
]


@pytest.fixture(scope="module")
def browser(whole_once: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """A browser that has opened the report of a run that has everything."""
    folder = tmp_path_factory.mktemp("browser")
    report(whole_once, folder / "report.html")
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.get("about:blank")
    driver.get_log("performance")  # of the page that a new window opens with
    driver.get((folder / "report.html").as_uri())
    yield driver
    driver.quit()


@pytest.fixture
def emulate(browser: webdriver.Chrome) -> Iterator[Any]:
    """A function that shows the page on another medium; afterwards it is a screen again."""

    def show(media: str = "screen", **features: str) -> None:
        pairs = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": pairs})

    yield show
    show()


def style(browser: webdriver.Chrome, selector: str, name: str) -> str:
    return browser.find_element(By.CSS_SELECTOR, selector).value_of_css_property(name)


def test_it_asks_for_nothing_and_complains_of_nothing(browser):
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in asked if not url.startswith("data:")] == [browser.current_url]
    assert browser.get_log("browser") == []
    assert browser.title == "Run noise"  # and not what a class name would make of it


def test_every_section_has_a_heading_that_the_contents_lead_to(browser):
    for link, title in zip(browser.find_elements(By.CSS_SELECTOR, "nav a"), SECTIONS, strict=True):
        link.click()
        target = browser.find_element(By.CSS_SELECTOR, ":target")
        assert (target.tag_name, target.text) == ("h2", title)


def test_every_picture_is_shown(browser):
    widths = browser.execute_script("return [...document.images].map((image) => image.naturalWidth)")
    assert len(widths) > 1
    assert min(widths) >= 28


def test_a_class_name_that_is_markup_is_shown_as_it_is(browser):
    header = browser.find_elements(By.CSS_SELECTOR, ".confusion thead th")
    assert [cell.text for cell in header[1:-1]] == list(CLASSES)


def test_the_curves_have_a_name_and_their_points_say_their_values(browser):
    drawings = browser.find_elements(By.CSS_SELECTOR, "svg")
    assert [drawing.accessible_name.partition(":")[0] for drawing in drawings] == ["Cost", "Accuracy"]
    titles = browser.execute_script(
        "return [...document.querySelectorAll('svg g > title')].map((each) => each.textContent)"
    )
    assert any(title.startswith("pass 1: test cost ") for title in titles)


def test_the_keyboard_reaches_contents_and_tables_by_their_names(browser):
    address = browser.current_url.partition("#")[0]
    browser.get("about:blank")  # or the way would begin where another test has left it
    browser.get(address)
    names = []
    for _ in range(len(SECTIONS) + 1):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        names.append(browser.switch_to.active_element.accessible_name)
    assert names[:-1] == list(SECTIONS)
    assert names[-1].startswith("A row for each true class")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_shades_can_be_told_from_the_page_in_light_and_dark(browser, emulate, scheme):
    emulate(prefers_color_scheme=scheme)
    paper = luminance(style(browser, "body", "background-color"))
    assert (paper > 0.5) == (scheme == "light")
    for selector in ("body", "dt", "caption", "nav a", "mark"):
        behind = luminance(style(browser, "mark", "background-color")) if selector == "mark" else paper
        assert contrast(luminance(style(browser, selector, "color")), behind) > 4.5
    assert style(browser, ".confusion .right", "background-color") != style(
        browser, ".confusion .wrong", "background-color"
    )


@pytest.mark.parametrize("width", [320, 1200])
def test_only_tables_scroll_sideways(browser, width):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_on_paper_it_is_light_and_without_contents(browser, emulate):
    emulate("print", prefers_color_scheme="dark")
    assert not browser.find_element(By.TAG_NAME, "nav").is_displayed()
    assert luminance(style(browser, "h1", "color")) < 0.1


def luminance(color: str) -> float:
    """Return the relative luminance of a CSS colour as a browser says it, as WCAG 2 defines it."""
    red, green, blue = (float(part) / 255 for part in color[color.index("(") + 1 : -1].split(",")[:3])
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: float, other: float) -> float:
    """Return how far two luminances are apart, as WCAG 2 defines it: 4.5 is enough for text."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
