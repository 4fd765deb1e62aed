"""A fresh program for each test of legacy_fluid."""

import pytest


@pytest.fixture
def fluid():
    """legacy_fluid, with empty programs, an empty scope and names that begin anew."""
    import legacy_fluid as fluid

    with (
        fluid.program_guard(fluid.Program(), fluid.Program()),
        fluid.scope_guard(fluid.Scope()),
        fluid.unique_name.guard(),
    ):
        yield fluid
