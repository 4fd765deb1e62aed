"""What wrong arguments raise: the classes that 1.8 raised."""

import numpy as np
import pytest

import legacy_fluid

layers = legacy_fluid.layers
REFUSED = legacy_fluid.core.EnforceNotMet


def declared(*shape, dtype="float32"):
    return legacy_fluid.data(legacy_fluid.unique_name.generate("x"), shape, dtype)


# name -> what is raised, and by what
RAISED = {
    "matrices that do not fit": (REFUSED, lambda: layers.mul(declared(2, 3), declared(4, 5))),
    "sums that do not fit": (REFUSED, lambda: layers.elementwise_add(declared(2, 3), declared(4, 5))),
    "a row that is not there": (REFUSED, lambda: declared(2, 3)[5]),
    "a slice of nothing": (REFUSED, lambda: layers.slice(declared(2, 3), [1], [-1], [1])),
    "the rows of a Variable": (REFUSED, lambda: list(declared(2, 3))),
    "lengths that do not fit": (
        REFUSED,
        lambda: legacy_fluid.create_lod_tensor(np.ones((3, 1)), [[1, 1]], legacy_fluid.CPUPlace()),
    ),
    "an unknown dtype": (ValueError, lambda: layers.cast(declared(2, 3), "foo")),
    "a dtype that a layer does not take": (TypeError, lambda: layers.softmax(declared(2, 3, dtype="int32"))),
    "a program that is none": (TypeError, lambda: legacy_fluid.Executor(legacy_fluid.CPUPlace()).run(3)),
    "a name that is none": (TypeError, lambda: legacy_fluid.data(3, [2])),
    "a shape that is none": (TypeError, lambda: legacy_fluid.data("x", 2)),
    "a parameter's name": (TypeError, lambda: legacy_fluid.ParamAttr(name=3)),
    "a parameter without a name": (ValueError, lambda: legacy_fluid.ParamAttr(name="")),
    "a rate of words": (TypeError, lambda: legacy_fluid.ParamAttr(learning_rate="a")),
}


@pytest.mark.parametrize("case", list(RAISED))
def test_a_wrong_argument_raises_what_it_raised(fluid, case):
    kind, call = RAISED[case]
    with pytest.raises(kind):
        call()


def look_up_in_dygraph(fluid, ids):
    with fluid.dygraph.guard():
        fluid.dygraph.Embedding([3, 2])(fluid.dygraph.to_variable(ids))


def look_up(fluid, ids):
    out = fluid.embedding(fluid.data("x", [None, 1], "int64"), [3, 2])
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(fluid.default_startup_program())
    exe.run(feed={"x": ids}, fetch_list=[out])


@pytest.mark.parametrize("run", [look_up, look_up_in_dygraph])
def test_what_the_core_refuses_is_both_its_error_of_today_and_that_of_before(fluid, run):
    with pytest.raises(ValueError, match="id") as raised:
        run(fluid, np.array([[9]]))
    assert isinstance(raised.value, fluid.core.EnforceNotMet)
    assert type(raised.value).__name__ == "EnforceNotMet"


def test_what_is_checked_in_python_is_no_error_of_the_core(fluid):
    out = fluid.layers.scale(fluid.data("x", [None, 3]))
    with pytest.raises(ValueError, match="shape") as raised:
        fluid.Executor(fluid.CPUPlace()).run(feed={"x": np.ones((2, 4), "float32")}, fetch_list=[out])
    assert not isinstance(raised.value, fluid.core.EnforceNotMet)
