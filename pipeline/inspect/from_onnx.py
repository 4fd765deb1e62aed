"""ONNX files as networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.inspect.network import Network, Operator, Parameter, Shape, Tensor

_NAMES = {
    "kernel_shape": "kernel",
    "strides": "stride",
    "pads": "padding",
    "dilations": "dilation",
}
_USUAL = {"group": 1, "ceil_mode": 0, "allowzero": 0, "auto_pad": "NOTSET", "storage_order": 0, "training_mode": 0}


def read_onnx(path: Path) -> Network:
    """Return the network in an ONNX file, constants counted among the parameters. Raises DataError where it is none or torn."""
    import onnx

    from export.conversion.graph import read_model

    model = onnx.shape_inference.infer_shapes(read_model(path))
    graph = model.graph
    kept: dict[str, Any] = {each.name: each for each in graph.initializer}
    nodes = []
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            kept[node.output[0]] = node.attribute[0].t
        else:
            nodes.append(node)
    declared = {value.name: _declared(value) for value in (*graph.input, *graph.value_info, *graph.output)}
    operators = tuple(_operator(node, kept, declared) for node in nodes)
    title = f"{path.name}: opset {next(each.version for each in model.opset_import if each.domain in ('', 'ai.onnx'))}"
    inputs = tuple(declared[value.name] for value in graph.input if value.name not in kept)
    return Network(title, inputs, operators, tuple(declared[value.name] for value in graph.output))


def _operator(node: Any, kept: dict[str, Any], declared: dict[str, Tensor]) -> Operator:
    import onnx

    parameters = tuple(_parameter(kept[name]) for name in node.input if name in kept)
    inputs = tuple(declared.get(name, Tensor(name)) for name in node.input if name and name not in kept)
    outputs = tuple(declared.get(name, Tensor(name)) for name in node.output if name)
    values = {each.name: _plain(onnx.helper.get_attribute_value(each)) for each in node.attribute}
    telling = {_NAMES.get(name, name): value for name, value in values.items() if not _says_nothing(name, value)}
    return Operator(node.op_type, inputs, outputs, parameters, telling)


def _says_nothing(name: str, value: Any) -> bool:
    return value == _USUAL.get(name) or (name == "dilations" and set(value) == {1})


def _parameter(tensor: Any) -> Parameter:
    import onnx

    dtype = str(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type))
    return Parameter(tensor.name, tuple(tensor.dims), dtype, learnt=dtype.startswith("float"))


def _declared(value: Any) -> Tensor:
    import onnx

    tensor = value.type.tensor_type
    shape: Shape = tuple(
        side.dim_param or "?" if not side.HasField("dim_value") else side.dim_value for side in tensor.shape.dim
    )
    return Tensor(value.name, shape, str(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)))


def _plain(value: Any) -> Any:
    """Return an attribute's value as what JSON can hold; of tensors and graphs within it the kind alone."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value if isinstance(value, int | float) else type(value).__name__
