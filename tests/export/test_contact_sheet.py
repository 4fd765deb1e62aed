from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from classifiers import bar
from PIL import Image

from export import contact_sheet
from export.contact_sheet import ContactSheet
from export.predictions import Prediction


class Page(HTMLParser):
    """What a browser or a screen reader would find on the page."""

    VOID = ("meta", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = ""
        self.pictures: list[dict[str, str]] = []
        self.open: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.pictures.append({name: value or "" for name, value in attributes})
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label in range(10):
        Image.fromarray(bar(label)).save(tmp_path / f"{label}.png")
    return tmp_path


def sheet_of(folder: Path, probabilities: list[float]) -> ContactSheet:
    sheet = ContactSheet(folder)
    predictions = [Prediction(f"{i}.png", (f"bar {i}",), (value,)) for i, value in enumerate(probabilities)]
    sheet.add(predictions, b"".join(bar(index).tobytes() for index in range(len(predictions))))
    return sheet


def written(sheet: ContactSheet, path: Path) -> Page:
    sheet.write(path, "3 images")
    return Page(path.read_text(encoding="utf-8"))


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/webp;base64,"))))


def test_the_least_certain_images_come_first_with_what_the_model_was_given(folder):
    page = written(sheet_of(folder, [0.9, 0.5, 0.7]), folder / "sheet.html")
    assert "All images, the least certain first" in page.text
    assert re.findall(r"bar \d with probability 0\.\d{4}", page.text) == [
        *("bar 1 with probability 0.5000", "bar 2 with probability 0.7000", "bar 0 with probability 0.9000")
    ]
    for picture, label in zip(page.pictures, (1, 1, 2, 2, 0, 0), strict=True):
        np.testing.assert_array_equal(np.asarray(decoded(picture["src"]).convert("L")), bar(label))
    assert [picture["alt"] for picture in page.pictures[:2]] == [
        *("the image 1.png", "the 28 by 28 pixels that the model was given")
    ]


def test_only_so_many_are_kept_and_the_page_says_so(folder, monkeypatch):
    monkeypatch.setattr(contact_sheet, "LIMIT", 2)
    sheet = sheet_of(folder, [0.9, 0.5, 0.7, 0.6])
    sheet.add([Prediction(f"{name}.png", error="empty file") for name in "abc"], bytes(3 * 784))
    page = written(sheet, folder / "sheet.html")
    assert "The 2 of 4 images with the lowest probability, the least certain first" in page.text
    assert len(page.pictures) == 4
    assert "could not be read (3, the first 2)" in page.text
    assert "b.png: empty file" in page.text
    assert "c.png" not in page.text


def test_nothing_on_the_page_is_loaded_from_elsewhere_or_run(folder):
    sheet = sheet_of(folder, [0.9])
    sheet.add([Prediction("<script>alert(1)</script>.png", error='"<b>"')], bytes(784))
    page = written(sheet, folder / "sheet.html")
    text = (folder / "sheet.html").read_text()
    assert "<script>alert(1)</script>.png" in page.text
    assert "<script" not in text
    assert not re.search(r"https?:|url\(|@import|<link", text)
    assert all(picture["src"].startswith("data:") for picture in page.pictures)


def test_a_large_photo_becomes_a_small_picture(folder):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (900, 1200, 3)).astype(np.uint8)).save(folder / "0.png")
    page = written(sheet_of(folder, [0.9]), folder / "sheet.html")
    assert decoded(page.pictures[0]["src"]).size == (112, 84)
    assert (folder / "sheet.html").stat().st_size < 20_000


def test_a_file_that_is_gone_meanwhile_leaves_a_gray_picture(folder):
    (folder / "0.png").unlink()
    page = written(sheet_of(folder, [0.9]), folder / "sheet.html")
    assert decoded(page.pictures[0]["src"]).convert("L").getextrema() == (127, 127)


def test_names_that_are_not_utf_8_are_shown_escaped(folder):
    sheet = ContactSheet(folder)
    sheet.add([Prediction("\udcff.png", error="empty file")], bytes(784))
    assert r"\udcff.png: empty file" in written(sheet, folder / "sheet.html").text
