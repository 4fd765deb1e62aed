"""A run's checkpoint, opened: its program, its parameters, and what each layer makes of what it is fed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fluidline.errors import DataError, RunError
from fluidline.runs import RunFolder
from pipeline.checkpoint import load_program, read_checkpoint
from pipeline.inspect.from_program import forward, read_program
from pipeline.inspect.network import Network

Array = npt.NDArray[Any]

_MOST_BYTES = 64 << 20  # of activations held at once
_MOST_IMAGES = 200


@dataclass(frozen=True, eq=False)
class Opened:
    """A checkpoint: `whole` is the program it was written with, `program` and `network` its part from input to output."""

    state: dict[str, Any]
    whole: Any
    program: Any
    network: Network
    scope: Any
    executor: Any

    @property
    def input(self) -> str:
        """The name of what is fed."""
        return self.network.inputs[0].name

    @property
    def output(self) -> str:
        """The name of the model's answer."""
        return self.network.outputs[0].name

    def parameter(self, name: str) -> Array:
        """Return a parameter's values."""
        return np.array(self.scope.find_var(name).get_tensor())

    def run(self, values: Array, names: Sequence[str]) -> list[Array]:
        """Return variables of the program, by name, for a batch as the model takes it."""
        import legacy_fluid as fluid

        with fluid.scope_guard(self.scope):
            arrays: list[Array] = self.executor.run(self.program, feed={self.input: values}, fetch_list=list(names))
        return arrays

    def batch_size(self) -> int:
        """Return how many images may go through at once, where what all layers make of them is kept."""
        bytes_each = 4 * sum(tensor.size for tensor in self.network.layer_outputs().values())
        return max(1, min(_MOST_IMAGES, _MOST_BYTES // bytes_each))


def open_checkpoint(run: RunFolder, name: str) -> Opened:
    """Open `runs/NAME/checkpoints/<name>`, best or last.

    Raises RunError where the run has none of this name, and DataError where it is damaged.
    """
    import legacy_fluid as fluid

    folder = run.checkpoints / name
    if not folder.is_dir():
        raise RunError(f"run {run.path} has no checkpoint '{name}' (train it: python -m pipeline train)")
    state = read_checkpoint(folder)
    place, scope = fluid.CPUPlace(), fluid.Scope()
    with fluid.scope_guard(scope):
        whole = load_program(folder, place)
        program = forward(whole, state["output"])
    network = read_program(program, state["output"], f"Program of run {run.name}")
    if len(network.inputs) != 1:
        given = ", ".join(tensor.name for tensor in network.inputs)
        raise DataError(f"the model of run {run.path} takes {given}, and only models of one input can be inspected")
    return Opened(state, whole, program, network, scope, fluid.Executor(place))
