"""An ONNX graph as plain nodes and constants, which the passes of `simplify` and `fold` edit in place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import ValueInfoProto, helper, numpy_helper

from fluidline.errors import DataError

_INITIALISERS_APART = 4  # since this IR version a constant need not be listed among the inputs too

Shape = tuple[int | str | None, ...]  # a size, the name of a free dimension, or unknown


@dataclass(frozen=True)
class ValueType:
    """What shape inference knows of a value; `shape` is None where even the rank is unknown."""

    dtype: int
    shape: Shape | None


class Graph:
    """Nodes in topological order, constants by name (initialisers and Constant nodes alike), and inferred types.

    Names of values last through every pass, so that inferred types stay true. A value that a sub-graph of If or Loop
    reads is `pinned`: no pass may rename or remove it.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self.opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
        self.types = _inferred_types(model)
        self.outputs = [value.name for value in model.graph.output]
        self.inputs = [value.name for value in model.graph.input]
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        self.nodes: list[onnx.NodeProto] = []
        for node in model.graph.node:
            if node.op_type == "Constant" and (value := attribute(node, "value")) is not None:
                self.constants[node.output[0]] = numpy_helper.to_array(value)
            else:
                self.nodes.append(onnx.NodeProto.FromString(node.SerializeToString()))
        self.pinned = {name for node in self.nodes for name in _subgraph_reads(node)}
        self._opsets = list(model.opset_import)
        self._ir_version = max(model.ir_version, _INITIALISERS_APART)

    def to_model(
        self, name: str, inputs: Sequence[ValueInfoProto], outputs: Sequence[ValueInfoProto]
    ) -> onnx.ModelProto:
        """Return the graph as a model of the same opset, with these declarations of its inputs and outputs."""
        constants = [numpy_helper.from_array(value, key) for key, value in self.constants.items()]
        graph = helper.make_graph(self.nodes, name, inputs, outputs, constants)
        return helper.make_model(graph, opset_imports=self._opsets, ir_version=self._ir_version)

    def producer(self, value: str) -> onnx.NodeProto | None:
        return next((node for node in self.nodes if value in node.output), None)

    def users(self, value: str) -> list[onnx.NodeProto]:
        return [node for node in self.nodes if value in node.input]

    def shape(self, value: str) -> Shape | None:
        """Return a value's shape as far as it is known."""
        if value in self.constants:
            return self.constants[value].shape
        return self.types[value].shape if value in self.types else None

    def is_internal(self, value: str) -> bool:
        """Say whether nothing outside of the graph's own nodes sees the value."""
        return value not in self.outputs and value not in self.inputs and value not in self.pinned

    def only_user(self, value: str) -> onnx.NodeProto | None:
        """Return the one node that reads an internal value, where there is just one."""
        users = self.users(value) if self.is_internal(value) else []
        return users[0] if len(users) == 1 else None

    def remove(self, dead: onnx.NodeProto) -> None:
        self.nodes = [node for node in self.nodes if node is not dead]

    def bypass(self, node: onnx.NodeProto) -> bool:
        """Let readers of a node's output read its first input and remove the node; False where an output forbids it."""
        source, result = node.input[0], node.output[0]
        computed = source not in self.inputs and source not in self.constants
        if result in self.pinned or (result in self.outputs and (not computed or source in self.outputs)):
            return False
        self.replace_uses(result, source)
        self.outputs = [source if name == result else name for name in self.outputs]
        self.remove(node)
        return True

    def replace_uses(self, value: str, other: str) -> None:
        """Let every node that reads `value` read `other`."""
        for user in self.users(value):
            set_inputs(user, [other if name == value else name for name in user.input])

    def add_constant(self, name: str, value: np.ndarray) -> str:
        """Add a constant under a name that is still free, and return that name."""
        taken = {*self.constants, *self.inputs, *(output for node in self.nodes for output in node.output)}
        unique, number = name, 1
        while unique in taken:
            unique, number = f"{name}_{number}", number + 1
        self.constants[unique] = value
        return unique


def read_model(path: Path) -> onnx.ModelProto:
    """Return the model in an ONNX file. Raises DataError where it is absent, empty or torn."""
    if not path.is_file():
        raise DataError(f"no such model file: {path}")
    try:
        model = onnx.load(path)
    except DecodeError as error:
        raise DataError(f"{path} is not an ONNX file, or is torn ({path.stat().st_size} bytes)") from error
    if not model.graph.node:
        raise DataError(f"{path} holds no ONNX graph ({path.stat().st_size} bytes)")
    return model


def attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    """Return a node's attribute as a Python value."""
    found = next((item for item in node.attribute if item.name == name), None)
    return default if found is None else helper.get_attribute_value(found)


def set_inputs(node: onnx.NodeProto, names: Iterable[str]) -> None:
    names = list(names)
    del node.input[:]
    node.input.extend(names)


def _subgraph_reads(node: onnx.NodeProto) -> Iterator[str]:
    for item in node.attribute:
        for subgraph in (*([item.g] if item.HasField("g") else []), *item.graphs):
            for inner in subgraph.node:
                yield from inner.input
                yield from _subgraph_reads(inner)
            yield from (value.name for value in subgraph.output)


def _inferred_types(model: onnx.ModelProto) -> dict[str, ValueType]:
    """Return the type of every value; sizes that flow through Shape, Slice and Concat are followed by name."""
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    values = (*inferred.input, *inferred.value_info, *inferred.output)
    return {value.name: _type(value.type.tensor_type) for value in values if value.type.HasField("tensor_type")}


def _type(tensor: onnx.TypeProto.Tensor) -> ValueType:
    if not tensor.HasField("shape"):
        return ValueType(tensor.elem_type, None)
    kinds = ((dim.WhichOneof("value"), dim) for dim in tensor.shape.dim)
    sizes = (dim.dim_value if kind == "dim_value" else dim.dim_param or None for kind, dim in kinds)
    return ValueType(tensor.elem_type, tuple(sizes))
