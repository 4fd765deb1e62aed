"""Scores against small tables worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.scores import score

# Six answers on classes a, b and c; c is never right and b is predicted for it.
PROBABILITIES = np.array(
    [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.2, 0.5, 0.3], [0.1, 0.8, 0.1], [0.25, 0.5, 0.25]], np.float32
)
TRUTH = np.array([0, 0, 0, 1, 2, 2])


def test_scores_are_those_worked_out_by_hand() -> None:
    scores = score(PROBABILITIES, TRUTH, "abc")
    assert scores.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 2, 0]]
    assert scores.accuracy == 0.5
    assert scores.cost == pytest.approx(-np.log([0.8, 0.6, 0.3, 0.5, 0.1, 0.25]).mean(), rel=1e-6)
    a, b, c = scores.classes()
    assert a == {"label": "a", "precision": 1.0, "recall": pytest.approx(2 / 3), "f1": pytest.approx(0.8), "images": 3}
    assert b == {"label": "b", "precision": 0.25, "recall": 1.0, "f1": pytest.approx(0.4), "images": 1}
    assert c == {"label": "c", "precision": None, "recall": 0.0, "f1": 0.0, "images": 2}


def test_a_probability_of_zero_gives_a_large_cost_and_not_infinity() -> None:
    assert 80 < score(np.array([[1.0, 0.0]], np.float32), np.array([1]), "ab").cost < 100


def test_the_text_names_every_class_and_lines_its_columns_up() -> None:
    lines = score(PROBABILITIES, TRUTH, ["a", "banana", "c"]).as_text().splitlines()
    assert lines[0] == "accuracy 50.00% of 6 images, cost 1.053328"
    assert [line.split() for line in lines[3:6]] == [
        ["a", "100.00%", "66.67%", "80.00%", "3"],
        ["banana", "25.00%", "100.00%", "40.00%", "1"],
        ["c", "-", "0.00%", "0.00%", "2"],
    ]
    assert lines[-3].split() == ["a", "2", "1", "."]
    assert len({len(line) for line in lines[-4:]}) == 1
