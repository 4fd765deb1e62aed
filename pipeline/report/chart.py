"""Curves and clouds of points as SVG, which takes its colours from the page, is sharp at any size, and says its values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.report.markup import Html, element

WIDTH, HEIGHT = 420, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 408, 24, 238  # of the area between the axes
_MOST_TICKS = 6
_MOST_DOTS = 40  # of a series, as large as they are; more are small
_MOST_POINTS = 300  # of a line without marks: more are narrower than the pen

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """Points of one kind: joined by a line unless not `line`, marked where each has a title, which says its values.

    `style` is the class by which the style sheet colours them.
    """

    style: str
    points: Sequence[Point]
    titles: Sequence[str] = ()
    line: bool = True


@dataclass(frozen=True)
class Axis:
    """From which value to which an axis goes, what it is called, and how its values are written."""

    label: str
    low: float
    high: float
    log: bool = False
    least_step: float = 0.0
    words: Callable[[float], str] = "{:g}".format

    def place(self, value: float, begin: float, end: float) -> float:
        """Return where a value lies between `begin`, where the axis begins, and `end`."""
        low, high, value = (math.log10(each) if self.log else each for each in (self.low, self.high, value))
        return round(begin + (value - low) / (high - low) * (end - begin), 1)

    def ticks(self) -> list[float]:
        """Return round values of the axis, few enough to be read."""
        if self.log:
            for digits in ((1, 2, 5), (1, 3), (1,)):
                powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
                found = self._within(digit * 10.0**power for power in powers for digit in digits)
                if 2 <= len(found) <= _MOST_TICKS + 1:
                    return found
        step = max(_round_step((self.high - self.low) / _MOST_TICKS), self.least_step)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return self._within(number * step for number in range(first, last + 1))

    def _within(self, values: Iterator[float]) -> list[float]:
        slack = 1e-9 * abs(self.high)
        return [value for value in values if self.low - slack <= value <= self.high + slack]


def chart(title: str, x: Axis, y: Axis, series: Sequence[Series], diagonal: bool = False) -> Html:
    """Return a drawing of the series between two axes; `title` says in words what it shows. Also with x = y as a line."""
    across, up = (lambda value: x.place(value, _LEFT, _RIGHT)), (lambda value: y.place(value, _BOTTOM, _TOP))
    drawn = [_line((across(value), _TOP), (across(value), _BOTTOM), "grid") for value in x.ticks()]
    drawn += [_line((_LEFT, up(value)), (_RIGHT, up(value)), "grid") for value in y.ticks()]
    drawn += [_text(across(value), _BOTTOM + 16, x.words(value), "middle") for value in x.ticks()]
    drawn += [_text(_LEFT - 6, up(value) + 4, y.words(value), "end") for value in y.ticks()]
    drawn += [_text((_LEFT + _RIGHT) / 2, HEIGHT - 6, x.label, "middle"), _text(4, 12, y.label, "start")]
    if diagonal:
        low, high = max(x.low, y.low), min(x.high, y.high)
        drawn.append(_line((across(low), up(low)), (across(high), up(high)), "diagonal"))
    for each in series:
        places = [(across(a), up(min(max(b, y.low), y.high))) for a, b in each.points]
        if each.line and len(places) > 1:
            drawn.append(_polyline(places if each.titles else _thinned(places), each.style))
        radius = 3 if len(places) <= _MOST_DOTS or not each.line else 1.5
        drawn += [_mark(place, words, each.style, radius) for place, words in zip(places, each.titles, strict=False)]
    return element("svg", *drawn, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=title)


def span(values: Sequence[float], log: bool = False) -> tuple[float, float]:
    """Return the ends of an axis that shows all the values, with a little room."""
    low, high = min(values), max(values)
    if log:
        return low / 1.2, high * 1.2
    room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return low - room, high + room


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least * (1 - 1e-9))


def _thinned(places: Sequence[Point]) -> list[Point]:
    """Return at most so many places, each the mean of neighbours."""
    size = math.ceil(len(places) / _MOST_POINTS)
    groups = [places[begin : begin + size] for begin in range(0, len(places), size)]
    return [(sum(a for a, _ in group) / len(group), sum(b for _, b in group) / len(group)) for group in groups]


def _polyline(places: Sequence[Point], style: str) -> Html:
    return element("polyline", points=" ".join(f"{a:.5g},{b:.5g}" for a, b in places), class_=f"line {style}")


def _line(begin: Point, end: Point, style: str) -> Html:
    return element("line", x1=begin[0], y1=begin[1], x2=end[0], y2=end[1], class_=style)


def _mark(place: Point, words: str, style: str, radius: float) -> Html:
    """Return a dot that says its words where the mouse comes near."""
    near, dot = (
        element("circle", cx=place[0], cy=place[1], r=size, class_=name)
        for size, name in ((9, "near"), (radius, "dot"))
    )
    return element("g", element("title", words), near, dot, class_=style)


def _text(x: float, y: float, words: str, anchor: str) -> Html:
    return element("text", words, x=x, y=y, text_anchor=anchor)
