"""Axes and drawings."""

from __future__ import annotations

import pytest

from pipeline.report.chart import Axis, Series, chart, span


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (Axis("", 0, 10), [0, 2, 4, 6, 8, 10]),
        (Axis("", 0, 2, least_step=1), [0, 1, 2]),
        (Axis("", 0.9031, 0.9712), [0.92, 0.94, 0.96]),
        (Axis("", -3, 8), [-2, 0, 2, 4, 6, 8]),
        (Axis("", 0.05, 3, log=True), [0.05, 0.1, 0.2, 0.5, 1, 2]),
        (Axis("", 1e-6, 2, log=True), [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1]),
        (Axis("", 3.1, 4.4, log=True), [3.5, 4.0]),  # too narrow for powers of ten
    ],
)
def test_ticks_are_round_and_few(axis, ticks):
    assert axis.ticks() == pytest.approx(ticks)


def test_values_lie_between_the_ends_of_an_axis():
    assert Axis("", 0, 10).place(2.5, 100, 200) == 125
    assert Axis("", 0, 10).place(2.5, 200, 100) == 175
    assert Axis("", 1, 100, log=True).place(10, 0, 100) == 50


@pytest.mark.parametrize("values", [[1.0, 3.0], [2.0], [0.0, 0.0], [-1.0, -5.0]])
def test_an_axis_has_room_for_its_values_even_where_they_are_one(values):
    low, high = span(values)
    assert low < min(values)
    assert max(values) < high
    assert Axis("", low, high).ticks()


def test_a_point_says_what_it_is_and_text_from_outside_stays_text():
    drawn = chart("A & B", Axis("<x>", 0, 1), Axis("y", 0, 1), [Series("test", [(0.5, 0.5)], ["<1>"])])
    assert 'aria-label="A &amp; B"' in drawn
    assert "&lt;x&gt;" in drawn
    assert "<title>&lt;1&gt;</title>" in drawn


def test_a_long_line_is_thinned_and_a_value_outside_stays_in_the_picture():
    points = [(float(x), 5.0 if x == 70 else 0.5) for x in range(10_000)]
    drawn = chart("long", Axis("x", 0, 10_000), Axis("y", 0, 1), [Series("batch", points)])
    places = drawn.split('points="')[1].split('"')[0].split()
    assert 200 < len(places) <= 300
    assert all(24 <= float(place.split(",")[1]) <= 238 for place in places)
