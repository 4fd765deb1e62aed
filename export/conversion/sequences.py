"""Fluid's sequences in ONNX: rows of all sequences one behind the other, and beside them how long each is.

Where fluid fed `words` as a LoDTensor, the ONNX model takes `words` [words_rows, ...] and `words_lengths` [batch]. Each
operator that reads the boundaries of its sequences is given the lengths as one more input, and is translated by its
function in `sequence_functions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import onnx
from onnx import helper, inliner

from export.conversion.paddle_model import PaddleModel, static_mode
from export.conversion.sequence_functions import DOMAIN, FUNCTIONS
from export.conversion.signature import TensorSpec
from fluidline.errors import DataError, FluidlineError

_LENGTHS = "Lengths"  # the slot that is added
_PADDLE_DOMAIN = "Paddle"  # of the nodes that paddle2onnx makes for operators that it is told to pass on


@dataclass(frozen=True)
class Boundary:
    """How an operator deals with sequences: the input whose lengths it reads, and whether its output has lengths too."""

    source: str
    carries: bool = True


SEQUENCE_OPERATORS: Mapping[str, Boundary] = {
    "crf_decoding": Boundary("Emission"),
    "gru": Boundary("Input"),
    "lstm": Boundary("Input"),
    "sequence_conv": Boundary("X"),
    "sequence_expand": Boundary("Y"),
    "sequence_expand_as": Boundary("Y"),
    "sequence_pad": Boundary("X", carries=False),
    "sequence_pool": Boundary("X", carries=False),
    "sequence_reverse": Boundary("X"),
    "sequence_softmax": Boundary("X"),
    "sequence_unpad": Boundary("Length"),
}


@dataclass(frozen=True)
class Call:
    """An operator over sequences, as the Paddle program describes it."""

    type: str
    inputs: tuple[str, ...]  # slots, in the order of the ONNX node's inputs
    outputs: Mapping[str, str]  # slot by the variable's name
    attrs: Mapping[str, Any]


def with_lengths(model: PaddleModel) -> PaddleModel:
    """Return the model with the inputs that fluid fed as sequences, and an input for the lengths that operators read.

    Raises DataError where there are sequences of sequences, or boundaries are read in a way that cannot be converted.
    """
    if not any(op.type in SEQUENCE_OPERATORS for op in model.operators):
        return model
    levels = {spec.name: model.block.var(spec.name).lod_level for spec in model.inputs}
    if deep := [name for name, level in levels.items() if level > 1]:
        raise DataError(f"the model cannot be ONNX: its inputs {', '.join(deep)} are sequences of sequences")
    sequences = {name: f"{name}_lengths" for name, level in levels.items() if level == 1}
    read = {lengths for _, lengths in _readers(model.block, sequences)}
    added = (TensorSpec(name, "int64", (f"{name}.0",)) for name in sequences.values() if name in read)
    return replace(model, inputs=(*model.inputs, *added), sequences=sequences)


@static_mode()
def attach_lengths(model: PaddleModel) -> tuple[PaddleModel, tuple[Call, ...]]:
    """Return the model with lengths as plain inputs, and the operators that were given them."""
    program = model.program.clone()
    block = program.global_block()
    for spec in model.inputs:
        if not block.has_var(spec.name):
            block.create_var(name=spec.name, shape=[-1], dtype=spec.dtype)
    calls = []
    for op, lengths in _readers(block, model.sequences):
        op.desc.set_input(_LENGTHS, [lengths])
        calls.append(_call(op))
    program._sync_with_cpp()
    return replace(model, program=program, sequences={}), tuple(calls)


def _readers(block: Any, sequences: Mapping[str, str]) -> list[tuple[Any, str]]:
    """Return the operators that read boundaries, each with the name of the lengths that it reads.

    What else an operator makes of sequences has the lengths of its first input that has any, as in fluid. Raises
    DataError where boundaries are read in a way that cannot be converted.
    """
    current = dict(sequences)  # by variable, what holds the lengths of its sequences
    readers = []
    for op in block.ops:
        boundary = SEQUENCE_OPERATORS.get(op.type)
        found = [current[name] for name in op.input_arg_names if name in current]
        if boundary is not None:
            found = [_lengths_of(op, boundary, current)]
            readers.append((op, found[0]))
        if boundary is None or boundary.carries:
            current.update((name, found[0]) for name in op.output_arg_names if found)
    return readers


def inline_calls(proto: onnx.ModelProto, calls: tuple[Call, ...]) -> onnx.ModelProto:
    """Return the model with each node that stands for a call replaced by the body of its function."""
    if not calls:
        return proto
    opset = next(entry.version for entry in proto.opset_import if entry.domain == "")
    by_output = {name: call for call in calls for name in call.outputs}
    functions: list[onnx.FunctionProto] = []
    for node in proto.graph.node:
        if node.domain != _PADDLE_DOMAIN and node.op_type not in SEQUENCE_OPERATORS:
            continue
        call = next((by_output[name] for name in node.output if name in by_output), None)
        if call is None or len(call.inputs) != len(node.input):
            raise FluidlineError(f"paddle2onnx changed operator '{node.op_type}' ({list(node.output)}) on its way")
        function = FUNCTIONS[call.type](f"{call.type}_{len(functions)}", call.inputs, call.attrs, opset)
        by_slot = {slot: name for name, slot in call.outputs.items() if name in node.output}
        results = [by_slot.get(slot, "") for slot in function.output]
        node.CopyFrom(helper.make_node(function.name, list(node.input), results, node.name, domain=DOMAIN))
        functions.append(function)
    proto.functions.extend(functions)
    del proto.opset_import[:]
    proto.opset_import.extend([helper.make_opsetid("", opset), helper.make_opsetid(DOMAIN, 1)])
    inlined = inliner.inline_local_functions(proto)
    del inlined.opset_import[:]
    inlined.opset_import.append(helper.make_opsetid("", opset))
    return inlined


def _lengths_of(op: Any, boundary: Boundary, current: Mapping[str, str]) -> str:
    source = op.input(boundary.source)[0]
    if boundary.source == "Length":  # sequence_unpad makes sequences of what has none
        return source
    if source not in current:
        raise DataError(f"operator '{op.type}' reads sequences that no input of the model brings ({source})")
    if op.type == "sequence_expand" and op.input("X")[0] in current:
        raise DataError("operator 'sequence_expand' repeats sequences, and can only be converted where it repeats rows")
    return current[source]


def _call(op: Any) -> Call:
    inputs = tuple(sorted(slot for slot in op.desc.input_names() if op.desc.input(slot)))
    outputs = {name: slot for slot in op.output_names for name in op.output(slot)}
    return Call(op.type, inputs, outputs, {name: op.attr(name) for name in op.attr_names})
