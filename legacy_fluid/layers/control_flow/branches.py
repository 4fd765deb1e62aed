"""Branches: of a program on one condition, and of the rows of a batch on one each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from paddle.static.nn.control_flow import ConditionalBlock, ConditionalBlockGuard

from ... import unique_name
from ...data_feeder import check_type, check_variable_and_dtype
from ...framework import Variable, in_dygraph_mode
from ...layer_helper import LayerHelper
from ..nn import logical_and, logical_not
from ..tensor import assign, cast, fill_constant
from ..utils import assert_same_structure, map_structure
from .arrays import merge_lod_tensor
from .compare import equal

__all__ = ["IfElse", "Switch", "case", "cond", "switch_case"]


# --- functions --------------------------------------------------------------------------------------------------------


def select_output(input: Any, outputs: Any, mask: Any) -> Any:
    """Copy input to the output that `mask`, an int32 Variable of one element, numbers; return the outputs."""
    check_type(input, "input", Variable, "select_output")
    check_variable_and_dtype(mask, "mask", ["int32"], "select_output")
    check_type(outputs, "outputs", (list, tuple), "select_output")
    LayerHelper("select_output").append_op(
        type="select_output", inputs={"X": input, "Mask": mask}, outputs={"Out": outputs}
    )
    return outputs


def select_input(inputs: Any, mask: Any) -> Any:
    """Return the input that `mask`, an int32 Variable of one element, numbers."""
    check_type(inputs, "inputs", (list, tuple), "select_input")
    check_variable_and_dtype(mask, "mask", ["int32"], "select_input")
    helper = LayerHelper("select_input")
    out = helper.create_variable(dtype=inputs[0].dtype, shape=inputs[0].shape, type=inputs[0].type)
    helper.append_op(type="select_input", inputs={"X": inputs, "Mask": mask}, outputs={"Out": out})
    return out


def cond(pred: Any, true_fn: Any = None, false_fn: Any = None, name: str | None = None) -> Any:
    """Return what true_fn returns where `pred` is true, and what false_fn returns where it is not.

    Args:
        pred: bool Variable of one element.
        true_fn, false_fn: functions without arguments that return the same structure; None returns None.

    Raises:
        TypeError: a branch is no function.
        ValueError: the branches return different structures.
    """
    for function, what in ((true_fn, "true_fn"), (false_fn, "false_fn")):
        if function is not None and not callable(function):
            raise TypeError(f"cond: {what} is a function, not {function!r}")
    if in_dygraph_mode():
        assert isinstance(pred, Variable), f"cond: pred is a Variable, not {pred!r}"
        assert pred.numpy().size == 1, f"cond: pred has one element, not the shape {pred.shape}"
        chosen = true_fn if pred.numpy().item() else false_fn
        return None if chosen is None else chosen()
    check_variable_and_dtype(pred, "pred", ["bool"], "cond")
    check_type(name, "name", (str, type(None)), "cond")
    helper = LayerHelper("cond", name=name)
    if_true = _branch(true_fn, lambda: pred, helper)
    if_false = _branch(false_fn, lambda: logical_not(pred), helper)
    if if_true is None and if_false is None:
        return None
    for result, what, other in ((if_true, "true_fn", "false_fn"), (if_false, "false_fn", "true_fn")):
        if result is None:
            raise ValueError(f"cond: {what} returns None and {other} does not")
    try:
        assert_same_structure(if_true, if_false, check_types=False)
    except ValueError as error:
        raise ValueError(f"cond: true_fn and false_fn return different structures: {error}") from error
    mask = cast(pred, dtype="int32")
    return map_structure(lambda false, true: select_input([false, true], mask), if_false, if_true)


def _branch(function: Any, condition: Callable[[], Any], helper: Any) -> Any:
    if function is None:
        return None
    with ConditionalBlock([condition()], is_scalar_condition=True).block():
        result = function()
        return None if result is None else map_structure(partial(_copy_to_parent, helper=helper), result)


def _copy_to_parent(var: Any, helper: Any) -> Any:
    if var is None:
        return None
    program = helper.main_program
    parent = program.block(program.current_block().parent_idx)
    outside = parent.create_var(dtype=var.dtype, shape=var.shape, type=var.type)
    assign(var, outside)
    return outside


def case(pred_fn_pairs: Any, default: Any = None, name: str | None = None) -> Any:
    """Return what the function of the first true condition returns.

    Args:
        pred_fn_pairs: (bool Variable of one element, function without arguments) pairs.
        default: the function where none is true; the last of the pairs where None.
    """
    check_type(pred_fn_pairs, "pred_fn_pairs", (list, tuple), "case")
    for pair in pred_fn_pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"case: pred_fn_pairs holds (condition, function) pairs, not {pair!r}")
        if not isinstance(pair[0], Variable):
            raise TypeError(f"case: a condition is a bool Variable, not {pair[0]!r}")
        if not callable(pair[1]):
            raise TypeError(f"case: the function of condition {pair[0].name} is not callable: {pair[1]!r}")
    if default is None:
        *pred_fn_pairs, (_, default) = pred_fn_pairs
    elif not callable(default):
        raise TypeError(f"case: default is a function, not {default!r}")
    chosen = default
    for pred, function in reversed(pred_fn_pairs):
        chosen = partial(cond, pred=pred, true_fn=function, false_fn=chosen)
    return chosen()


def switch_case(branch_index: Any, branch_fns: Any, default: Any = None, name: str | None = None) -> Any:
    """Return what the function of number `branch_index` returns.

    Args:
        branch_index: int32 or int64 Variable of one element.
        branch_fns: number -> function, a list of (number, function) pairs, or a list of functions numbered from 0.
        default: the function for any other number; that of the largest where None.
    """
    check_variable_and_dtype(branch_index, "branch_index", ["uint8", "int32", "int64"], "switch_case")
    if str(branch_index.dtype) != "int64":
        branch_index = cast(branch_index, "int64")
    check_type(branch_fns, "branch_fns", (list, tuple, dict), "switch_case")
    if isinstance(branch_fns, dict):
        numbered = list(branch_fns.items())
    elif all(callable(function) for function in branch_fns):
        numbered = list(enumerate(branch_fns))
    else:
        numbered = list(branch_fns)
    seen = set()
    for pair in numbered:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"switch_case: branch_fns holds (number, function) pairs, not {pair!r}")
        number, function = pair
        if not isinstance(number, int):
            raise TypeError(f"switch_case: the number of a branch is an int, not {number!r}")
        if number in seen:
            raise ValueError(f"switch_case: the number {number} stands twice in branch_fns")
        seen.add(number)
        if not callable(function):
            raise TypeError(f"switch_case: the function of number {number} is not callable: {function!r}")
    numbered.sort(key=lambda pair: pair[0])
    if default is None:
        numbered, (_, default) = numbered[:-1], numbered[-1]
    elif not callable(default):
        raise TypeError(f"switch_case: default is a function, not {default!r}")
    chosen = default
    for number, function in numbered:
        same = equal(branch_index, fill_constant(shape=[1], dtype="int64", value=number))
        chosen = partial(cond, pred=same, true_fn=function, false_fn=chosen)
    return chosen()


class Switch:
    """Blocks of which the first whose condition is true runs: `with switch.case(condition):` and `switch.default()`."""

    def __init__(self, name: str | None = None) -> None:
        self.helper = LayerHelper("switch", name=name)
        self.inside_scope = False
        self.pre_not_conditions: list[Any] = []

    def case(self, condition: Any) -> Any:
        """Begin the block of a condition, a bool Variable of one element."""
        if not self.inside_scope:
            raise ValueError("Switch: case is called within `with switch:`")
        check_variable_and_dtype(condition, "condition", ["bool"], "Switch.case")
        if not self.pre_not_conditions:
            block = ConditionalBlock([condition], is_scalar_condition=True)
            self.pre_not_conditions.append(logical_not(x=condition))
        else:
            none_before = self.pre_not_conditions[-1]
            self.pre_not_conditions.append(logical_and(x=none_before, y=logical_not(x=condition)))
            block = ConditionalBlock([logical_and(x=none_before, y=condition)], is_scalar_condition=True)
        return ConditionalBlockGuard(block)

    def default(self) -> Any:
        """Begin the block that runs where no condition was true."""
        if not self.pre_not_conditions:
            raise ValueError("Switch: default comes after at least one case")
        return ConditionalBlockGuard(ConditionalBlock([self.pre_not_conditions[-1]], is_scalar_condition=True))

    def __enter__(self) -> Switch:
        self.inside_scope = True
        return self

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> bool:
        self.inside_scope = False
        return exc_type is None


# --- rows of a batch --------------------------------------------------------------------------------------------------


class IfElseBlockGuard:
    """One side of an IfElse, as a `with`."""

    def __init__(self, is_true: bool, ifelse: IfElse) -> None:
        if ifelse.status != IfElse.OUT_IF_ELSE_BLOCKS:
            raise ValueError("IfElse: a block cannot begin within another")
        self.is_true = is_true
        self.ie = ifelse
        self.guard = (ifelse.conditional_true_block if is_true else ifelse.conditional_false_block).block()

    def __enter__(self) -> None:
        self.ie.status = IfElse.IN_IF_ELSE_TRUE_BLOCKS if self.is_true else IfElse.IN_IF_ELSE_FALSE_BLOCKS
        self.guard.__enter__()

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> bool | None:
        if not self.guard.__exit__(exc_type, exc_val, exc_tb):
            return False
        if not self.ie.output_table[self.is_true]:
            raise ValueError("IfElse: a block ends without an output; call output() in it")
        self.ie.status = IfElse.OUT_IF_ELSE_BLOCKS
        return None


class IfElse:
    """Part the rows of a batch by a condition, do another thing with each part, and join them again.

    Args:
        cond: bool Variable [N, 1].
    """

    OUT_IF_ELSE_BLOCKS = 0
    IN_IF_ELSE_TRUE_BLOCKS = 1
    IN_IF_ELSE_FALSE_BLOCKS = 2

    def __init__(self, cond: Any, name: str | None = None) -> None:
        check_type(cond, "cond", Variable, "IfElse")
        check_type(name, "name", (str, type(None)), "IfElse")
        self.helper = LayerHelper("ifelse", name=name)
        self.cond = cond
        self.input_table: dict[int, tuple[Any, Any]] = {}
        self.status = IfElse.OUT_IF_ELSE_BLOCKS
        self.conditional_true_block = ConditionalBlock(inputs=[self.cond])
        self.conditional_false_block = ConditionalBlock(inputs=[self.cond])
        self.output_table: tuple[list[Any], list[Any]] = ([], [])  # of the false, and of the true block

    def true_block(self) -> IfElseBlockGuard:
        return IfElseBlockGuard(True, self)

    def false_block(self) -> IfElseBlockGuard:
        return IfElseBlockGuard(False, self)

    def input(self, x: Any) -> Any:
        """Return the rows of x that belong to the block it is called in."""
        if self.status == IfElse.OUT_IF_ELSE_BLOCKS:
            raise ValueError("IfElse: input is called in a true or false block")
        if id(x) not in self.input_table:
            parent = self._parent_block()
            parts = [
                parent.create_var(
                    name=unique_name.generate_with_ignorable_key(f"ifelse_input{self.helper.name}"), dtype=x.dtype
                )
                for _ in range(2)
            ]
            parent.append_op(
                type="split_lod_tensor",
                inputs={"X": x, "Mask": self.cond},
                outputs={"OutTrue": parts[0], "OutFalse": parts[1]},
                attrs={"level": 0},
            )
            self.input_table[id(x)] = (parts[0], parts[1])
        return self.input_table[id(x)][self.status == IfElse.IN_IF_ELSE_FALSE_BLOCKS]

    def output(self, *outs: Any) -> None:
        """Give the results of the block it is called in."""
        if self.status == IfElse.OUT_IF_ELSE_BLOCKS:
            raise ValueError("IfElse: output is called in a true or false block")
        parent = self._parent_block()
        for out in outs:
            check_type(out, "each output", Variable, "IfElse.output")
            outside = parent.create_var(
                name=unique_name.generate_with_ignorable_key(f"{self.helper.name}_output"), dtype=out.dtype
            )
            self.output_table[self.status == IfElse.IN_IF_ELSE_TRUE_BLOCKS].append(outside)
            assign(input=out, output=outside)

    def _parent_block(self) -> Any:
        program = self.helper.main_program
        return program.block(program.current_block().parent_idx)

    def __call__(self) -> list[Any]:
        """Return the joined results."""
        if self.status != IfElse.OUT_IF_ELSE_BLOCKS:
            raise ValueError("IfElse: it is called after its blocks")
        if_false, if_true = self.output_table
        if not if_false and not if_true:
            raise ValueError("IfElse: it is called after a true or a false block")
        if not if_false or not if_true:
            return if_false or if_true
        if len(if_false) != len(if_true):
            raise ValueError(f"IfElse: {len(if_true)} outputs in the true block, {len(if_false)} in the false one")
        return [
            merge_lod_tensor(in_true=true, in_false=false, mask=self.cond, x=self.cond, level=0)
            for false, true in zip(if_false, if_true, strict=True)
        ]
