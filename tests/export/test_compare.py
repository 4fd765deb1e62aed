import numpy as np
import pytest

from export.conversion.compare import Tolerance, compare
from fluidline.errors import ValidationError

TOLERANCE = Tolerance(atol=1e-5, rtol=1e-5)


def floats(*values: float) -> list[np.ndarray]:
    return [np.array(values, np.float32)]


def test_the_largest_difference_is_named_with_its_batch_and_place():
    first = np.zeros((1, 2), np.float32)
    second = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    nearby = second + np.array([[0, 0], [0, 4e-6], [1e-6, 0]], np.float32)
    difference = compare("y", [first, nearby], [first, second], TOLERANCE)
    assert (difference.batch, difference.index) == (3, (1, 1))
    assert difference.largest == pytest.approx(4e-6, rel=0.1)
    assert str(difference).startswith("y: 3.81e-06 at [1, 1] of a batch of 3: 4.00000")


def test_a_number_beyond_the_tolerance_fails_and_says_how_many_are():
    with pytest.raises(ValidationError, match=r"values: y: 0\.1 at \[1\].*; 2 of 3 are out of tolerance \(atol 1e-05"):
        compare("y", floats(1, 2.1, 2.95), floats(1, 2, 3), TOLERANCE)


def test_the_tolerance_grows_with_the_largest_number_of_the_output():
    reference = floats(0, 1000)
    compare("y", floats(0.01, 1000), reference, TOLERANCE)
    with pytest.raises(ValidationError):
        compare("y", floats(0.011, 1000), reference, TOLERANCE)


def test_integers_must_be_equal():
    with pytest.raises(ValidationError, match="integers and booleans must be equal"):
        compare("y", [np.array([1000001])], [np.array([1000000])], TOLERANCE)


def test_not_a_number_equals_itself_and_nothing_else():
    compare("y", floats(np.nan, np.inf, 1), floats(np.nan, np.inf, 1), TOLERANCE)
    with pytest.raises(ValidationError, match="y: inf at"):
        compare("y", floats(np.nan, 1), floats(0, 1), TOLERANCE)
    with pytest.raises(ValidationError, match="y: inf at"):
        compare("y", floats(-np.inf, 1), floats(np.inf, 1), TOLERANCE)


def test_a_reference_without_a_finite_number_proves_nothing():
    with pytest.raises(ValidationError, match="holds no finite number"):
        compare("y", floats(np.nan, np.nan), floats(np.nan, np.nan), TOLERANCE)


def test_a_scalar_is_compared_too():
    assert compare("y", [np.float32(2)], [np.float32(2)], TOLERANCE).largest == 0
