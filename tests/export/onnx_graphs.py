"""Small ONNX graphs for tests, written in ONNX's own textual form, and their answers."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.parser
import onnxruntime

from export.conversion.graph import Graph


def parse(text: str, **constants: np.ndarray) -> onnx.ModelProto:
    """Return the model `(inputs) => (outputs) { nodes }`, `constants` being its initialisers."""
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": 17]> main {text}')
    model.graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in constants.items())
    return model


def rebuilt(graph: Graph, like: onnx.ModelProto) -> onnx.ModelProto:
    """Return an edited graph as a model with the declarations of the model that it was made of."""
    outputs = []
    for declared, name in zip(like.graph.output, graph.outputs, strict=True):
        output = onnx.ValueInfoProto.FromString(declared.SerializeToString())
        output.name = name
        outputs.append(output)
    model = graph.to_model("main", list(like.graph.input), outputs)
    onnx.checker.check_model(model, full_check=True)
    return model


def answers(model: onnx.ModelProto, **feed: np.ndarray) -> list[np.ndarray]:
    """Return what onnxruntime makes of the model as it stands, with none of its own simplifications."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, feed))


def kinds(graph: Graph) -> list[str]:
    return [node.op_type for node in graph.nodes]
