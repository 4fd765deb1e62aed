"""A complex value in eager mode: two real variables under one name."""

import numpy as np
import pytest

import legacy_fluid as fluid


@pytest.fixture
def variable():
    with fluid.dygraph.guard():
        yield fluid.dygraph.to_variable(np.array([1.0 + 2.0j, 0.2]), name="z")


def test_it_is_made_of_its_parts(variable):
    assert (variable.name, variable.dtype, list(variable.shape)) == (
        {"real": "z.real", "imag": "z.imag"},
        "complex128",
        [2],
    )
    np.testing.assert_array_equal(variable.numpy(), [1.0 + 2.0j, 0.2])
    assert str(variable).startswith("REAL: ")


@pytest.mark.parametrize("name", ["w", ("a", "b"), ["a", "b"]])
def test_a_name_is_for_both_parts_or_for_each(variable, name):
    variable.name = name
    parts = {"real": "w.real", "imag": "w.imag"} if name == "w" else {"real": "a", "imag": "b"}
    assert variable.name == parts


def test_three_names_are_refused(variable):
    with pytest.raises(ValueError, match="a string, or one for each part"):
        variable.name = ("a", "b", "c")


def test_parts_that_do_not_match_are_refused(variable):
    single = fluid.dygraph.to_variable(np.zeros(2, "float32"))
    with pytest.raises(AssertionError, match="differ in dtype"):
        fluid.ComplexVariable(variable.real, single)
