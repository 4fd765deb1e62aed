"""What a training shows of the model at work: each layer's shapes at its first batch, numbers at some more of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import legacy_fluid as fluid
from legacy_fluid import passes
from pipeline.config import TrainConfig
from pipeline.events import CheckEvent
from pipeline.inspect.from_program import part_to, read_program
from pipeline.inspect.layers import layer_table
from pipeline.inspect.network import Network
from pipeline.inspect.opened import Array
from pipeline.inspect.statistics import Activations, parameter_table
from pipeline.inspect.tables import Table
from pipeline.program import Programs

_SHOWN = 6  # numbers of each that are shown as they are


class Checks:
    """The checks that `config` asks for: `check_shape` of the first batch, `check_content` of the first pass.

    The batches whose contents are shown are those whose cost is, every `log_every`-th. Each goes through the program a
    second time, with copies of the parameters: the training stays as it is, to the last bit.
    """

    def __init__(self, programs: Programs, config: TrainConfig, place: Any) -> None:
        self.config, self.place = config, place
        self.shape_is_due, self.epochs = config.check_shape, set[int]()
        self.program: Any = None
        if config.check_shape or config.check_content:
            output = programs.prediction.name
            self.program, self.executor = part_to(programs.train, output), fluid.Executor(place)
            self.network = read_program(self.program, output, "")

    def __call__(self, epoch: int, batch: int, feed: dict[str, Any], scope: Any) -> Iterator[CheckEvent]:
        """Yield what is to be shown of a batch that is about to be learnt with the parameters of `scope`."""
        if self.program is None:
            return
        self.epochs.add(epoch)
        content_is_due = self.config.check_content and batch % self.config.log_every == 0 and len(self.epochs) == 1
        if not (self.shape_is_due or content_is_due):
            return
        parameters = {name: np.array(scope.find_var(name).get_tensor()) for name in self.network.parameters}
        values = self._run(feed, parameters)
        if self.shape_is_due:
            network = self.network.with_shapes({name: array.shape for name, array in values.items()})
            yield CheckEvent(epoch, batch, layer_table(network).as_text())
            self.shape_is_due = False
        if content_is_due:
            yield CheckEvent(epoch, batch, _contents(self.network, parameters, values))

    def _run(self, feed: dict[str, Any], parameters: dict[str, Array]) -> dict[str, Array]:
        """Return what is fed to the network and what its operators give, by name."""
        scope = fluid.Scope()
        for name, value in parameters.items():
            scope.var(name).get_tensor().set(value, self.place)
        fed = {tensor.name: feed[tensor.name] for tensor in self.network.inputs}
        names = list(dict.fromkeys(tensor.name for operator in self.network.operators for tensor in operator.outputs))
        # Plain: the passes count the ways in which programs run, and to add one might change how the training's does.
        with fluid.scope_guard(scope), passes.using("none"):
            arrays = self.executor.run(self.program, feed=fed, fetch_list=names)
        return {**{name: np.asarray(value) for name, value in fed.items()}, **dict(zip(names, arrays, strict=True))}


def _contents(network: Network, parameters: dict[str, Array], values: dict[str, Array]) -> str:
    activations = Activations(network.layer_outputs())
    outputs = {layer: values[tensor.name] for layer, tensor in activations.layers.items()}
    activations.add(outputs.values())
    first = {name: array[0] for name, array in outputs.items()}
    rows = [{"of": name, "numbers": _some(array.ravel())} for name, array in {**parameters, **first}.items()]
    tables = [
        parameter_table(network, parameters),
        activations.table("samples of the batch"),
        Table("Numbers from the middle; of layers, for the first sample", {"of": str, "numbers": str}, rows),
    ]
    return "\n\n".join(table.as_text() for table in tables)


def _some(numbers: Array) -> str:
    """Return numbers from the middle: at the ends, where images have nothing, many are zero."""
    begin = max(0, (len(numbers) - _SHOWN) // 2)
    return " ".join(f"{number:.6g}" for number in numbers[begin : begin + _SHOWN])
