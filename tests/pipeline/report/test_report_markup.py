"""Markup, and the numbers and times in it."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from pipeline.report import words
from pipeline.report.markup import Html, element, facts, number, picture, table


def test_text_is_escaped_and_markup_is_not():
    assert element("p", "a < b & c", Html("<b>d</b>")) == "<p>a &lt; b &amp; c<b>d</b></p>"
    assert element("p", title='"><script>') == '<p title="&quot;&gt;&lt;script&gt;"></p>'


def test_a_name_that_is_not_utf_8_can_be_written():
    assert element("p", "\udcff").encode() == b"<p>\\udcff</p>"


def test_attributes_without_a_value_are_left_out_and_names_are_those_of_html():
    assert element("img", class_=None, hidden=True, tabindex=0, aria_label="x") == (
        '<img hidden tabindex="0" aria-label="x">'
    )


def test_a_table_names_its_rows_and_columns_and_sets_columns_of_numbers_apart():
    made = table("A caption", ("name", "count"), [("<one>", number("1"))])
    assert '<th scope="row">&lt;one&gt;</th><td class="number">1</td>' in made
    assert '<th scope="col">name</th><th scope="col" class="number">count</th>' in made
    assert "<caption><span>A caption</span></caption>" in made


def test_a_table_may_have_no_rows():
    assert '<th scope="col">name</th></tr></thead><tbody></tbody>' in table("None", ("name",), [])


def test_facts_that_are_not_known_are_left_out():
    assert "unknown" not in facts([("known", 1), ("unknown", None)])


def test_a_picture_has_its_very_pixels_in_the_page():
    pixels = np.arange(784, dtype=np.uint8).reshape(28, 28)
    made = picture(Image.fromarray(pixels), "a ramp")
    data = base64.b64decode(made.split("base64,")[1].split('"')[0])
    assert (np.asarray(Image.open(io.BytesIO(data)).convert("L")) == pixels).all()


@pytest.mark.parametrize(
    ("said", "written"),
    [
        (words.duration(1.234), "1.23 s"),
        (words.duration(161.7), "2 min 42 s"),
        (words.duration(3600 * 30), "30 h 0 min"),
        (words.number(0.12345), "0.12"),
        (words.number(-12.345), "-12.3"),
        (words.number(12345.6), "12,346"),
        (words.difference(1.04e-06), "1.0e-06"),
        (words.difference(0.0), "0"),
        (words.size(825), "825 B"),
        (words.size(25_700), "25.1 KiB"),
        (words.size(1_180_000), "1.13 MiB"),
        (words.moment("2026-11-22T04:23:24+02:00"), "2026-11-22 02:23 UTC"),
    ],
)
def test_numbers_and_times_are_written_for_reading(said, written):
    assert said == written
