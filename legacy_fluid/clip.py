"""`fluid.clip`: limits on gradients, given to an optimizer or, the older way, set on parameters."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from . import core, layers
from .framework import Parameter, default_main_program, in_dygraph_mode, name_scope

__all__ = [
    "ErrorClipByValue",
    "GradientClipByGlobalNorm",
    "GradientClipByNorm",
    "GradientClipByValue",
    "set_gradient_clip",
]


class BaseErrorClipAttr:
    """Base of limits on the gradient of an intermediate variable, `var.error_clip = ...`."""

    def _append_clip_op(self, block: Any, grad_name: str) -> None:
        raise NotImplementedError


class ErrorClipByValue(BaseErrorClipAttr):
    """Limit each element of a variable's gradient to [min, max], while it flows back.

    Args:
        min: -max where None.
    """

    def __init__(self, max: float, min: float | None = None) -> None:
        self.max = float(max)
        self.min = -self.max if min is None else float(min)

    def __str__(self) -> str:
        return f"ByValue, min={self.min:f}, max={self.max:f}"

    def _append_clip_op(self, block: Any, grad_name: str) -> None:
        op = block.desc.append_op()
        op.set_type("clip")
        op.set_input("X", [grad_name])
        op.set_output("Out", [grad_name])
        op._set_attr("min", self.min)
        op._set_attr("max", self.max)


def error_clip_callback(block: Any, context: Any) -> None:
    """Append the error clips of the gradients that the last operator made; a callback of append_backward."""
    op = block.desc.op(block.desc.op_size() - 1)
    for grad_name in op.output_arg_names():
        if grad_name not in context:
            continue
        clip = getattr(block._var_recursive(context[grad_name]), "error_clip", None)
        if clip is None:
            continue
        if not isinstance(clip, BaseErrorClipAttr):
            raise TypeError(f"the error_clip of {context[grad_name]} is a BaseErrorClipAttr or None, not {clip!r}")
        clip._append_clip_op(block, grad_name)


class GradientClipBase:
    """Base: `__call__(params_grads)` returns the pairs with limited gradients.

    Args:
        need_clip: called with a parameter, says whether its gradient is limited; all are where None.
    """

    def __init__(self, need_clip: Callable[[Any], bool] | None = None) -> None:
        if need_clip is not None and not callable(need_clip):
            raise TypeError(f"need_clip is a function of a parameter that returns True or False, not {need_clip!r}")
        self._need_clip_func = need_clip

    def __call__(self, params_grads: list[Any]) -> list[Any]:
        if any(getattr(param, "gradient_clip_attr", None) is not None for param, _ in params_grads):
            warnings.warn("the optimizer's grad_clip is used; set_gradient_clip has no effect", stacklevel=2)
        with name_scope("gradient_clip"):
            return self._limited([pair for pair in params_grads if pair[1] is not None])

    def _limited(self, params_grads: list[Any]) -> list[Any]:
        """Return the pairs with limited gradients; none of the gradients is None."""
        limited = []
        for param, grad in params_grads:
            if self._wanted(param):
                with _beside(param, grad):
                    grad = self._limit(grad)
            limited.append((param, grad))
        return limited

    def _limited_as_set(self, params_grads: list[Any]) -> list[Any]:
        """Return the same where the clip was set on parameters; the operators may come in another order."""
        return self._limited(params_grads)

    def _limit(self, grad: Any) -> Any:
        """Return one limited gradient."""
        raise NotImplementedError

    def _wanted(self, param: Any) -> bool:
        return self._need_clip_func is None or self._need_clip_func(param)


class GradientClipByValue(GradientClipBase):
    """Limit each element to [min, max].

    Args:
        min: -max where None.
    """

    def __init__(self, max: float, min: float | None = None, need_clip: Callable[[Any], bool] | None = None) -> None:
        super().__init__(need_clip)
        if min is None and max <= 0:
            raise AssertionError(f"GradientClipByValue: without a min, max is above 0, not {max}")
        self.max = float(max)
        self.min = -self.max if min is None else float(min)

    def __str__(self) -> str:
        return f"Gradient Clip By Value, min = {self.min:f}, max={self.max:f}"

    def _limit(self, grad: Any) -> Any:
        if _is_by_rows_at_hand(grad):
            from .dygraph import rows

            return rows.clipped(grad, self.min, self.max)
        return layers.clip(x=grad, min=self.min, max=self.max)


class GradientClipByNorm(GradientClipBase):
    """Scale each gradient down to an L2 norm of `clip_norm` at most."""

    def __init__(self, clip_norm: float, need_clip: Callable[[Any], bool] | None = None) -> None:
        super().__init__(need_clip)
        self.clip_norm = float(clip_norm)

    def __str__(self) -> str:
        return f"Gradient Clip By Norm, clip_norm={self.clip_norm:f}"

    def _limit(self, grad: Any) -> Any:
        if _is_by_rows_at_hand(grad):
            from .dygraph import rows

            return rows.clipped_by_norm(grad, self.clip_norm)
        return layers.clip_by_norm(x=grad, max_norm=self.clip_norm)


class GradientClipByGlobalNorm(GradientClipBase):
    """Scale all gradients by one factor, so that the L2 norm of them all is `clip_norm` at most.

    Args:
        group_name: with set_gradient_clip, the norm is over the parameters of one group.
    """

    def __init__(
        self,
        clip_norm: float,
        group_name: str = "default_group",
        need_clip: Callable[[Any], bool] | None = None,
    ) -> None:
        super().__init__(need_clip)
        self.clip_norm = float(clip_norm)
        self.group_name = group_name

    def __str__(self) -> str:
        return f"Gradient Clip By GlobalNorm, global_norm={self.clip_norm:f}"

    def _limited(self, params_grads: list[Any], limit: Any = None) -> list[Any]:
        counted = [pair for pair in params_grads if self._wanted(pair[0])]
        if not counted:
            return params_grads
        squares = []
        for param, grad in counted:
            with _beside(param, grad):
                squares.append(_sum_of_squares(grad))
        with _beside(*counted[-1]):
            norm = layers.sqrt(x=layers.sums(squares))
            limit = self._norm_allowed() if limit is None else limit
            factor = layers.elementwise_div(x=limit, y=layers.elementwise_max(x=limit, y=norm))
        limited = []
        for param, grad in params_grads:
            if self._wanted(param):
                with _beside(param, grad):
                    grad = layers.elementwise_mul(x=grad, y=factor)
            limited.append((param, grad))
        return limited

    def _limited_as_set(self, params_grads: list[Any]) -> list[Any]:
        with _beside(*params_grads[0]):
            limit = self._norm_allowed()
        return self._limited(params_grads, limit)

    def _norm_allowed(self) -> Any:
        return layers.fill_constant(shape=[1], dtype="float32", value=self.clip_norm)


def _is_by_rows_at_hand(grad: Any) -> bool:
    """Whether a gradient has some rows only, and is a value of dygraph mode."""
    return in_dygraph_mode() and grad.is_selected_rows()


def _sum_of_squares(grad: Any) -> Any:
    if grad.type == core.VarDesc.VarType.SELECTED_ROWS:
        # Rows that occur several times are one row of the gradient.
        grad = layers.get_tensor_from_selected_rows(layers.merge_selected_rows(grad))
    return layers.reduce_sum(input=layers.square(grad))


def _beside(param: Any, grad: Any) -> AbstractContextManager[Any]:
    """Mark what is appended as belonging to the optimisation of a parameter."""
    return nullcontext() if in_dygraph_mode() else param.block.program._optimized_guard([param, grad])


# --- the older way: a clip set on parameters --------------------------------------------------------------------------


def set_gradient_clip(clip: GradientClipBase, param_list: Any = None, program: Any = None) -> None:
    """Let the optimizers that come after limit the gradients of parameters.

    Args:
        param_list: parameters or their names; all of the program where None.
    """
    if not isinstance(clip, GradientClipBase):
        raise TypeError(f"clip is a GradientClipBase, not {clip!r}")
    program = program or default_main_program()
    if any(
        "optimizer" in (op.attr("op_namescope") or "") for op in program.block(0).ops if op.has_attr("op_namescope")
    ):
        warnings.warn("minimize came before set_gradient_clip, which has no effect now", stacklevel=2)
    block = program.block(0)
    params = [block.var(param) if isinstance(param, str) else param for param in param_list or block.all_parameters()]
    for param in params:
        if not isinstance(param, Parameter):
            raise TypeError(f"param_list holds parameters or their names, not {param!r}")
        param.gradient_clip_attr = copy.deepcopy(clip)


def append_gradient_clip_ops(param_grads: list[Any]) -> list[Any]:
    """Limit the gradients as set_gradient_clip said: all of them, or none where a parameter has no clip."""
    with_gradient = [pair for pair in param_grads if pair[1] is not None]
    clips = [getattr(param, "gradient_clip_attr", None) for param, _ in with_gradient]
    if not clips or any(clip is None for clip in clips):
        return param_grads
    for clip in clips:
        if not isinstance(clip, GradientClipBase):
            raise TypeError(f"the gradient_clip_attr of a parameter is a GradientClipBase, not {clip!r}")
    norms: dict[str, float] = {}
    for clip in clips:
        if (
            isinstance(clip, GradientClipByGlobalNorm)
            and norms.setdefault(clip.group_name, clip.clip_norm) != clip.clip_norm
        ):
            raise ValueError(f"the clips of group {clip.group_name!r} have different values of clip_norm")
    with name_scope("gradient_clip_@CLIP"):
        return clips[-1]._limited_as_set(with_gradient)  # as in 1.8, the last parameter's clip is everybody's
