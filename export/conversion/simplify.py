"""Exact simplifications of an ONNX graph: what paddle2onnx leaves behind that computes nothing.

Each pass takes a Graph, edits it and returns how much it changed; `simplify` runs them until nothing changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

from export.conversion.graph import Graph, Shape, attribute, set_inputs

# Reshape with a constant target, Flatten, Squeeze and Unsqueeze differ in notation only.
_RESHAPING = ("Reshape", "Flatten", "Squeeze", "Unsqueeze")

# Operators whose value over constants is the same wherever it is computed: they move data, work on integers, or are
# single operations that IEEE 754 rounds correctly.
_FOLDABLE = {
    *("Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Concat", "Split", "Slice"),
    *("Gather", "Expand", "Tile", "Range", "ConstantOfShape", "Shape", "Size"),
    *("Add", "Sub", "Mul", "Div", "Neg", "Sqrt"),
}
_SMALL = 8  # elements of a constant that says where or how much
_LARGEST_FOLD = 1 << 16  # elements that folding may add: an expanded constant should not swell the file


def simplify(graph: Graph) -> None:
    """Run every pass until none finds anything to do."""
    while sum(step(graph) for step in PASSES):
        pass


def remove_identities(graph: Graph) -> int:
    """Remove nodes that give back their first input."""
    idle = [node for node in graph.nodes if node.op_type in _IDLE and _IDLE[node.op_type](graph, node)]
    return sum(graph.bypass(node) for node in idle)


def fold_constants(graph: Graph) -> int:
    """Compute nodes that depend on constants alone."""
    folded = 0
    for node in list(graph.nodes):
        inputs = [name for name in node.input if name]
        constant = bool(inputs) and all(name in graph.constants for name in inputs)
        if not constant or node.op_type not in _FOLDABLE or not all(map(graph.is_internal, node.output)):
            continue
        allowed = sum(graph.constants[name].size for name in set(inputs)) + _LARGEST_FOLD
        if any(_elements(graph.shape(name)) > allowed for name in node.output):
            continue
        graph.constants.update(zip(node.output, _evaluate(node, graph), strict=True))
        graph.remove(node)
        folded += 1
    return folded


def fold_shape_reads(graph: Graph) -> int:
    """Make constants of sizes that are read out of a value's shape and are the same for every input."""
    folded = 0
    for node in list(graph.nodes):
        sizes = _sizes_read(graph, node)
        if sizes is None or not graph.is_internal(node.output[0]):
            continue
        graph.constants[node.output[0]] = sizes
        graph.remove(node)
        folded += 1
    return folded


def fix_reshapes(graph: Graph) -> int:
    """Give Reshape a constant target (0 copies a dimension, -1 is the rest) where one says the same as the computed."""
    fixed = 0
    for node in graph.nodes:
        if node.op_type != "Reshape" or node.input[1] in graph.constants:
            continue
        target = _target(graph.shape(node.input[0]), graph.shape(node.output[0]))
        if target is not None:
            _make_reshape(graph, node, node.input[0], target)
            fixed += 1
    return fixed


def merge_reshapes(graph: Graph) -> int:
    """Make one Reshape of two reshaping nodes in a row."""
    merged = 0
    for before in [node for node in graph.nodes if node.op_type in _RESHAPING]:
        node = graph.only_user(before.output[0])
        if node is None or node.op_type not in _RESHAPING or node.input[0] != before.output[0]:
            continue
        target = _target(graph.shape(before.input[0]), graph.shape(node.output[0]))
        if target is not None:
            _make_reshape(graph, node, before.input[0], target)
            graph.remove(before)
            merged += 1
    return merged


def merge_equal_constants(graph: Graph) -> int:
    """Keep one of equal sizes, axes and scalars; parameters stay apart, they have names of their own."""
    merged = 0
    seen: dict[tuple[str, tuple[int, ...], bytes], str] = {}
    for name, value in list(graph.constants.items()):
        if value.size > _SMALL or (value.dtype.kind == "f" and value.ndim) or not graph.is_internal(name):
            continue
        same = seen.setdefault((value.dtype.str, value.shape, value.tobytes()), name)
        if same != name:
            graph.replace_uses(name, same)
            del graph.constants[name]
            merged += 1
    return merged


def merge_equal_nodes(graph: Graph) -> int:
    """Compute once what several nodes compute from the same inputs."""
    merged = 0
    seen: dict[bytes, onnx.NodeProto] = {}
    for node in list(graph.nodes):
        twin = seen.setdefault(_computation(node), node)
        internal = all(graph.is_internal(name) for name in node.output if name)
        if twin is node or node.op_type.startswith("Random") or not internal or len(twin.output) != len(node.output):
            continue
        for mine, same in zip(node.output, twin.output, strict=True):
            graph.replace_uses(mine, same)
        graph.remove(node)
        merged += 1
    return merged


def remove_dead_nodes(graph: Graph) -> int:
    """Remove nodes and constants that no output depends on."""
    live = {*graph.outputs, *graph.pinned}
    kept = []
    for node in reversed(graph.nodes):
        if any(name in live for name in node.output):
            live.update(node.input)
            kept.append(node)
    dead = len(graph.nodes) - len(kept)
    graph.nodes = kept[::-1]
    unused = [name for name in graph.constants if name not in live]
    for name in unused:
        del graph.constants[name]
    return dead


PASSES: tuple[Callable[[Graph], int], ...] = (
    remove_identities,
    fold_shape_reads,
    fold_constants,
    fix_reshapes,
    merge_reshapes,
    merge_equal_constants,
    merge_equal_nodes,
    remove_dead_nodes,
)


def _always(graph: Graph, node: onnx.NodeProto) -> bool:
    return True


def _keeps_shape(graph: Graph, node: onnx.NodeProto) -> bool:
    before, after = graph.shape(node.input[0]), graph.shape(node.output[0])
    return before is not None and None not in before and before == after


def _reshapes_nothing(graph: Graph, node: onnx.NodeProto) -> bool:
    """A target of the input's own sizes, with at most one dimension left to be the rest, leaves that as it was too."""
    before, target = graph.shape(node.input[0]), graph.constants.get(node.input[1])
    if before is None or target is None or attribute(node, "allowzero", 0) or len(before) != len(target):
        return _keeps_shape(graph, node)
    same = all(wanted in (0, -1, size) for wanted, size in zip(target.tolist(), before, strict=True))
    return same and target.tolist().count(-1) <= 1


def _repeats_once(graph: Graph, node: onnx.NodeProto) -> bool:
    repeats = graph.constants.get(node.input[1])
    return repeats is not None and bool(np.all(repeats == 1))


def _keeps_dtype(graph: Graph, node: onnx.NodeProto) -> bool:
    known = graph.types.get(node.input[0])
    return known is not None and known.dtype == attribute(node, "to")


def _keeps_order(graph: Graph, node: onnx.NodeProto) -> bool:
    order = attribute(node, "perm")
    return order is not None and list(order) == list(range(len(order)))


def _adds_nothing(value: float) -> Callable[[Graph, onnx.NodeProto], bool]:
    """Return a test that the second operand is a constant `value` everywhere and broadcasts nothing."""

    def test(graph: Graph, node: onnx.NodeProto) -> bool:
        operand = graph.constants.get(node.input[1])
        return operand is not None and bool(np.all(operand == value)) and _keeps_shape(graph, node)

    return test


def _single(graph: Graph, node: onnx.NodeProto) -> bool:
    return len(node.input) == 1


_IDLE: dict[str, Callable[[Graph, onnx.NodeProto], bool]] = {
    "Identity": _always,
    "Concat": _single,
    "Sum": _single,
    "Cast": _keeps_dtype,
    "Transpose": _keeps_order,
    "Reshape": _reshapes_nothing,
    "Flatten": _keeps_shape,
    "Expand": _keeps_shape,
    "Tile": _repeats_once,
    "Add": _adds_nothing(0),
    "Sub": _adds_nothing(0),
    "Mul": _adds_nothing(1),
    "Div": _adds_nothing(1),
}


def _computation(node: onnx.NodeProto) -> bytes:
    """Return what says which operator a node is, with what attributes and on what inputs."""
    anonymous = onnx.NodeProto.FromString(node.SerializeToString())
    anonymous.name = ""
    del anonymous.output[:]
    return anonymous.SerializeToString(deterministic=True)


def _evaluate(node: onnx.NodeProto, graph: Graph) -> list[np.ndarray]:
    inputs = {name: graph.constants[name] for name in node.input if name}
    declared = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in inputs.items()
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output]
    single = helper.make_graph([node], "constant", declared, outputs)
    model = helper.make_model(single, opset_imports=[helper.make_opsetid("", graph.opset)])
    return [np.asarray(result) for result in ReferenceEvaluator(model).run(None, inputs)]


def _elements(shape: Shape | None) -> float:
    sizes = [size for size in shape if isinstance(size, int)] if shape is not None else []
    return math.prod(sizes) if shape is not None and len(sizes) == len(shape) else math.inf


def _sizes_read(graph: Graph, node: onnx.NodeProto) -> np.ndarray | None:
    """Return what a Shape node, or a Gather or Slice of one, gives, where it is the same for every input."""
    source = graph.producer(node.input[0]) if node.op_type in ("Gather", "Slice") else node
    if source is None or source.op_type != "Shape" or (shape := graph.shape(source.input[0])) is None:
        return None
    axes = np.arange(len(shape))[attribute(source, "start", 0) : attribute(source, "end")]
    if node is not source:
        operands = [graph.constants[name] for name in node.input[1:] if name in graph.constants]
        if not operands or len(operands) != len(node.input) - 1:
            return None
        axes = axes[operands[0]] if node.op_type == "Gather" else axes[_slice(*operands)]
    sizes = [shape[axis] for axis in axes.flat]
    return np.array(sizes, np.int64).reshape(axes.shape) if all(isinstance(size, int) for size in sizes) else None


def _slice(
    starts: np.ndarray, ends: np.ndarray, axes: np.ndarray | None = None, steps: np.ndarray | None = None
) -> slice:
    """Return the Python slice of ONNX's Slice over a vector; its clamping is Python's for positive steps."""
    return slice(int(starts[0]), int(ends[0]), 1 if steps is None else int(steps[0]))


def _target(before: Shape | None, after: Shape | None) -> list[int] | None:
    """Return the constant target of a Reshape between two shapes, where one can say it."""
    if before is None or after is None or None in after:
        return None
    copied = [axis < len(before) and isinstance(size, str) and size == before[axis] for axis, size in enumerate(after)]
    target = [size if isinstance(size, int) else 0 if copy else -1 for size, copy in zip(after, copied, strict=True)]
    # A literal 0 would read as "copy", and two free dimensions cannot both be "the rest".
    return target if 0 not in after and target.count(-1) <= 1 else None


def _make_reshape(graph: Graph, node: onnx.NodeProto, source: str, target: list[int]) -> None:
    shape = graph.add_constant(f"{node.output[0]}.shape", np.array(target, np.int64))
    node.op_type = "Reshape"
    del node.attribute[:]
    set_inputs(node, [source, shape])
