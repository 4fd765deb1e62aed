"""Programs of fluid: their part from input to output, as a network and as text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pipeline.inspect.network import Network, Operator, Parameter, Tensor

BATCH = "N"

# What an operator says of itself that is none of its hyper-parameters: its place in the source, kernels, modes.
_BOOKKEEPING = {"is_test", "use_cudnn", "use_mkldnn", "with_quant_attr", "trainable_statistics", "use_global_stats"}
_NAMES = {
    "ksize": "kernel",
    "strides": "stride",
    "paddings": "padding",
    "dilations": "dilation",
    "pooling_type": "type",
    "dropout_prob": "rate",
    "dropout_implementation": "mode",
}
_TELLING = {"kernel", "stride", "padding", "type", "rate", "mode", "epsilon", "momentum"}  # also at their defaults


def forward(program: Any, output: str) -> Any:
    """Return the part of a program that makes the variable `output` of what is fed, as it is when the model is used."""
    program = program.clone(for_test=True)
    for op in program.global_block().ops:
        if op.type == "dropout" and "Seed" in op.input_names:
            op.desc.remove_input("Seed")  # a training feeds it; in use nothing is dropped
    return part_to(program, output)._inference_optimize(prune_read_op=True)


def part_to(program: Any, output: str) -> Any:
    """Return the part of a program that makes the variable `output`, as it is when the model is trained."""
    return program._prune([program.global_block().var(output)])


def read_program(program: Any, output: str, title: str) -> Network:
    """Return the network of a program that ends in the variable `output`; of its blocks the first, that calls the others."""
    block = program.global_block()
    read = {output, *(name for op in block.ops for name in op.input_arg_names)}
    operators = tuple(_operator(block, op, read) for op in block.ops)
    made = {tensor.name for operator in operators for tensor in operator.outputs}
    fed = {tensor.name: tensor for operator in operators for tensor in operator.inputs if tensor.name not in made}
    return Network(title, tuple(fed.values()), operators, (_tensor(block.var(output)),))


def program_text(program: Any) -> str:
    """Return variables and operators of a program's blocks as lines, without what says nothing of what is computed."""
    from paddle.base.proto import framework_pb2

    from legacy_fluid import debugger

    texts = []
    for block in program.blocks:
        known = [set(_settings_names(op)) for op in block.ops]
        message = framework_pb2.BlockDesc.FromString(block.desc.serialize_to_string())
        for op, names in zip(message.ops, known, strict=True):
            kept = [attribute for attribute in op.attrs if attribute.name in names]
            del op.attrs[:]
            op.attrs.extend(kept)
        texts.append(debugger.pprint_block_codes(message, show_backward=True))
    return "\n".join(texts)


def _operator(block: Any, op: Any, read: set[str]) -> Operator:
    inputs, parameters = [], []
    for slot in op.input_names:
        for name in op.input(slot):
            variable = block.var(name)
            if variable.persistable:
                learnt = name not in op.output_arg_names
                parameters.append(Parameter(*_facts(variable), role=slot.lower(), learnt=learnt))
            else:
                inputs.append(_tensor(variable))
    results = [block.var(name) for name in op.output_arg_names]
    # What no other operator reads is for a backward pass: masks, shapes, the statistics of a batch.
    outputs = [_tensor(result) for result in results if result.name in read and not result.persistable]
    return Operator(
        op.type, tuple(inputs), tuple(outputs or map(_tensor, results)), tuple(parameters), _settings(op, parameters)
    )


def _settings(op: Any, parameters: list[Parameter]) -> Mapping[str, Any]:
    from paddle.base import core

    defaults = core.get_op_attrs_default_value(op.type.encode())
    settings: dict[str, Any] = {}
    if filters := next((each for each in parameters if each.role == "filter"), None):
        settings["kernel"] = list(filters.shape[2:])
    for name in _settings_names(op):
        value, called = op.attr(name), _NAMES.get(name, name)
        if not isinstance(value, bool | int | float | str | list):
            continue  # a block of operators, say
        if called in _TELLING or not _equal(value, defaults.get(name)):
            settings[called] = round(value, 7) if isinstance(value, float) else value
    if settings.get("global_pooling"):
        settings = {name: value for name, value in settings.items() if name not in ("kernel", "stride", "padding")}
    order = [name for name in ("kernel", "stride", "padding") if name in settings]
    return {name: settings[name] for name in [*order, *sorted(settings.keys() - set(order))]}


def _settings_names(op: Any) -> list[str]:
    return [name for name in op.attr_names if name not in _BOOKKEEPING and not name.startswith("op_")]


def _equal(value: Any, default: Any) -> bool:
    if isinstance(value, float) and isinstance(default, float):
        return math.isclose(value, default, rel_tol=1e-6)
    return bool(value == default)


def _tensor(variable: Any) -> Tensor:
    return Tensor(*_facts(variable))


def _facts(variable: Any) -> tuple[str, tuple[int | str, ...], str]:
    from paddle.base.data_feeder import convert_dtype

    shape = tuple(BATCH if side < 0 else side for side in variable.shape)
    return variable.name, shape, str(convert_dtype(variable.dtype))
