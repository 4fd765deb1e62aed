"""From fluid's operators to those that paddle2onnx knows and translates rightly, with the same values.

Before the rules of `operator_rules` come, for a model of fluid's, legacy_fluid's own: for what Paddle 2 computes otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from export.conversion.operator_rules import RULES
from export.conversion.paddle_model import PaddleModel, static_mode
from export.conversion.refusals import CONTROL_FLOW, refuse
from export.conversion.sequences import SEQUENCE_OPERATORS
from export.conversion.site import Site
from export.conversion.translate_process import load_extension
from export.conversion.unroll import RECURRENT, unroll


@dataclass(frozen=True)
class Rewritten:
    """A model in operators that paddle2onnx knows, and the types of those that were rewritten for that."""

    model: PaddleModel
    operators: tuple[str, ...]


@static_mode()
def rewrite(model: PaddleModel) -> Rewritten:
    """Return the model in operators that paddle2onnx knows. Raises DataError where it has others."""
    from legacy_fluid.lowering import lower

    program = (lower(model.program) if model.is_fluid else model.program).clone()
    block = program.global_block()
    rewritten: dict[str, None] = {}
    for op in [op for op in block.ops if op.type == RECURRENT]:
        unroll(program, op)
        rewritten[RECURRENT] = None
    outputs = _assign_once(block, [spec.name for spec in model.inputs], [spec.name for spec in model.outputs])
    renamed = tuple(spec.renamed(name) for spec, name in zip(model.outputs, outputs, strict=True))
    for op in list(block.ops):
        if op.type in RULES and RULES[op.type](site := Site(block, op)) is not False:
            rewritten[op.type] = None
            site.remove()
    result = replace(model, program=program, outputs=renamed)
    refuse(result, {*load_extension().get_all_supported_operators(), *SEQUENCE_OPERATORS, *CONTROL_FLOW})
    return Rewritten(result, tuple(rewritten))


def _assign_once(block: Any, inputs: Iterable[str], outputs: Iterable[str]) -> list[str]:
    """Give each value a name of its own: fluid may write a variable twice, ONNX may not. Return the outputs' names."""
    written = set(inputs)
    current: dict[str, str] = {}
    for op in block.ops:
        for name in set(op.input_arg_names):
            if current.get(name, name) != name:
                op._rename_input(name, current[name])
        for name in set(op.output_arg_names):
            variable = block.var(name)
            if variable.persistable:  # the statistics of batch_norm, which it hands through
                continue
            if name in written and op.type not in CONTROL_FLOW:  # whose blocks go by the names that are there
                current[name] = f"{name}@{len(written)}"
                block.create_var(name=current[name], shape=variable.shape, dtype=variable.dtype)
                op._rename_output(name, current[name])
            written.add(current.get(name, name))
    return [current.get(name, name) for name in outputs]
