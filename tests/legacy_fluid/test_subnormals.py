"""Subnormal numbers are zero while a program runs, in every thread of it, and what they were before and after."""

import numpy as np
import pytest

TINY = np.full(4, 1e-38, "float32")


@pytest.mark.parametrize("passes", ["all", "none"])
def test_a_program_takes_them_for_zero_and_the_process_does_not(fluid, passes):
    from legacy_fluid import passes as table

    x = fluid.layers.data("x", [4], append_batch_size=False)
    smaller = fluid.layers.scale(x, scale=0.1)
    larger = fluid.layers.scale(smaller, scale=1e30)
    exe = fluid.Executor(fluid.CPUPlace())
    with table.using(passes):
        for _ in range(2):
            values = exe.run(fluid.default_main_program(), {"x": TINY}, [smaller, larger])
            assert [list(value) for value in values] == [[0.0] * 4] * 2
            assert (TINY * np.float32(0.1) > 0).all()


def test_an_error_in_a_run_leaves_the_process_as_it_was(fluid):
    x = fluid.layers.data("x", [-1], append_batch_size=False)
    y = fluid.layers.reshape(x, [3, -1])
    with pytest.raises(Exception, match="reshape"):
        fluid.Executor(fluid.CPUPlace()).run(fluid.default_main_program(), {"x": TINY}, [y])
    assert (TINY * np.float32(0.1) > 0).all()
