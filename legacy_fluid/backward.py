"""`fluid.backward`: appends the gradient operators of a program."""

from __future__ import annotations

from typing import Any

from paddle.base import backward as _backward

__all__ = ["append_backward", "gradients"]

_get_no_grad_set_name = _backward._get_no_grad_set_name


def append_backward(
    loss: Any, parameter_list: Any = None, no_grad_set: Any = None, callbacks: Any = None, checkpoints: Any = None
) -> list[Any]:
    """Append the operators that compute the gradient of `loss`; return (parameter, gradient) pairs.

    Args:
        loss: Variable of shape (1,).
        parameter_list: parameters or their names; all trainable ones where None.
        no_grad_set: Variables or names whose gradients are not wanted.
        callbacks: called with (block, context) after each gradient operator.
        checkpoints: Variables to keep when the activations between them are computed again.
    """
    pairs = _backward.append_backward(loss, parameter_list, no_grad_set, callbacks, checkpoints)
    return pairs[0] if checkpoints else pairs  # with checkpoints the core returns their names too


def calc_gradient(targets: Any, inputs: Any, target_gradients: Any = None, no_grad_set: Any = None) -> Any:
    """Append the operators for the gradients of `targets` with respect to `inputs`; return one or a list of them."""
    return _backward.calc_gradient(targets, inputs, target_gradients, no_grad_set)


def gradients(targets: Any, inputs: Any, target_gradients: Any = None, no_grad_set: Any = None) -> list[Any]:
    """Append the operators for the gradients of `targets` with respect to `inputs`; return a list of them."""
    return _backward.gradients(targets, inputs, target_gradients, no_grad_set)
