"""The part of a report that stands where a confusion matrix cannot."""

from __future__ import annotations

import numpy as np
import pytest
from reported import Page

from pipeline.data.dataset import Split
from pipeline.data.table import TableInput
from pipeline.report.residuals import residuals
from pipeline.scores import Errors


@pytest.fixture
def page(tmp_path) -> Page:
    """Prices of 20 rows of two features, each foretold 1 too high, but row 7, which is 5 too low."""
    samples = np.arange(40.0).reshape(20, 2)
    truth = np.arange(20, dtype=np.float32)
    answers = truth + 1
    answers[7] = 2
    form = TableInput(("<rooms>", "age"), (0.0, 0.0), (1.0, 1.0))
    part = residuals(Errors("price", answers, truth), Split(samples, truth, form))
    path = tmp_path / "part.html"
    path.write_text(f'<section aria-labelledby="test">{part}</section>')
    return Page(path)


def test_errors_are_those_of_the_answers(page):
    lines = page.lines("test")
    found = dict(zip(lines[0:8:2], lines[1:8:2], strict=True))
    assert found == {
        "mean squared error": "2.20",  # (19 * 1 + 25) / 20
        "its root": "1.48",
        "mean absolute error": "1.20",
        "of the variance explained": "93.4%",
    }


def test_residuals_have_their_spread(page):
    header, row = page.table("Answer less truth")
    assert dict(zip(header, row, strict=True))["lowest"] == "-5.00"
    assert dict(zip(header, row, strict=True))["median"] == "1.00"


def test_the_worst_answers_come_first_with_what_was_known(page):
    header, worst, *_ = page.table("The test rows")
    assert header == ["", "price", "answer", "residual", "<rooms>", "age"]
    assert worst == ["row 7", "7", "2", "-5", "14", "15"]


def test_every_answer_is_a_point_that_says_what_it_is(page):
    assert len(page.all("circle")) == 2 * 20  # what is seen, and what the mouse may come near
    assert page.all("svg")[0]["aria-label"].startswith("Answers over true price of 20 test rows")
