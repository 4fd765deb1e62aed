"""Scores against small tables worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.scores import Errors, score

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


def test_a_number_means_the_nearest_label_and_costs_its_squared_distance() -> None:
    numbers = np.array([[-3.0], [0.4], [1.5], [2.4], [9.0]], np.float32)
    scores = score(numbers, np.array([0, 1, 2, 2, 1]), "abc")
    assert scores.confusion.tolist() == [[1, 0, 0], [1, 0, 1], [0, 0, 2]]
    assert scores.cost == pytest.approx((9 + 0.36 + 0.25 + 0.16 + 64) / 5)


def test_errors_of_numbers_are_those_worked_out_by_hand() -> None:
    errors = Errors("price", np.array([1, 2, 6], np.float32), np.array([1, 4, 7], np.float32))
    facts = errors.as_dict()
    assert (facts["rows"], facts["target"], facts["mean_absolute"]) == (3, "price", 1.0)
    assert facts["cost"] == pytest.approx(5 / 3)
    assert facts["root_mean_square"] == pytest.approx((5 / 3) ** 0.5)
    assert facts["explained"] == pytest.approx(1 - 5 / 18)
    assert errors.as_text().startswith("price of 3 rows: mean squared error 1.66667, its root 1.291, ")


def test_of_a_truth_that_never_varies_no_share_is_explained() -> None:
    errors = Errors("price", np.array([1, 2], np.float32), np.array([3, 3], np.float32))
    assert errors.as_dict()["explained"] is None
    assert "- of the variance explained" in errors.as_text()
