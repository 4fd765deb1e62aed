"""Names in an ONNX file: what a reader of the file, or a client of the model, sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
import onnx
from onnx import helper

from export.conversion.graph import Graph, set_inputs
from export.conversion.signature import Signature, TensorSpec


def declared(spec: TensorSpec) -> onnx.ValueInfoProto:
    """Return the ONNX declaration of an input or output."""
    return helper.make_tensor_value_info(spec.name, _element_type(spec.dtype), spec.shape)


def declare_inputs(model: onnx.ModelProto, signature: Signature) -> None:
    """Give a model's inputs the signature's dimensions, and leave its outputs' shapes to inference."""
    for value, spec in zip(model.graph.input, signature.inputs, strict=True):
        value.CopyFrom(declared(spec.renamed(value.name)))
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]


def name_values(graph: Graph, signature: Signature, parameters: Iterable[str]) -> None:
    """Name nodes, values and constants by what they are: `Conv_0`, `Conv_0_output_0`, `Reshape_0_shape`.

    Inputs and outputs take the signature's names; parameters keep those of the Paddle program. The names depend on the
    graph alone, so that the same model converted again gives the same file.
    """
    ends = zip((*graph.inputs, *graph.outputs), (*signature.inputs, *signature.outputs), strict=True)
    names = {old: spec.name for old, spec in ends}
    names |= {name: name for name in (*parameters, *graph.pinned) if name in graph.constants or name in graph.pinned}
    numbers: Counter[str] = Counter()
    for node in graph.nodes:
        node.name = f"{node.op_type}_{numbers[node.op_type]}"
        numbers[node.op_type] += 1
        for role, name in zip(_roles(node, graph.opset), node.input, strict=True):
            if name in graph.constants:
                names.setdefault(name, f"{node.name}_{role}")
        for index, name in enumerate(node.output):
            names.setdefault(name, f"{node.name}_output_{index}" if name else "")
    for node in graph.nodes:
        set_inputs(node, [names.get(name, name) for name in node.input])
        outputs = [names[name] for name in node.output]
        del node.output[:]
        node.output.extend(outputs)
    graph.constants = {names[name]: value for name, value in graph.constants.items()}
    graph.inputs = [spec.name for spec in signature.inputs]
    graph.outputs = [spec.name for spec in signature.outputs]


def _roles(node: onnx.NodeProto, opset: int) -> Iterator[str]:
    """Yield what the operator's definition calls each input; the last of a variadic operator is numbered."""
    formal = onnx.defs.get_schema(node.op_type, opset, node.domain).inputs
    for index in range(len(node.input)):
        last = min(index, len(formal) - 1)
        yield formal[last].name if index == last else f"{formal[last].name}_{index - last}"


def _element_type(dtype: str) -> int:
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
