"""Optimizers that do something around another one."""

from __future__ import annotations

from typing import Any

from .. import core, layers
from ..backward import append_backward
from ..framework import default_startup_program, in_dygraph_mode, program_guard
from .base import Optimizer
from .gradient import MomentumOptimizer

__all__ = ["DGCMomentumOptimizer", "LookaheadOptimizer", "PipelineOptimizer", "RecomputeOptimizer"]


def _only_static(name: str) -> None:
    if in_dygraph_mode():
        raise Exception(f"{name} works on a Program, not in dygraph mode")


class RecomputeOptimizer(Optimizer):
    """Keep only the checkpoints of the forward pass, and compute the rest again for the backward pass.

    Args:
        optimizer: what updates the parameters.
    """

    def __init__(self, optimizer: Any) -> None:
        _only_static("RecomputeOptimizer")
        self._optimizer = optimizer
        self._checkpoints: Any = None
        self._learning_rate = optimizer._learning_rate
        self._learning_rate_map = optimizer._learning_rate_map

    def _set_checkpoints(self, checkpoints: Any) -> None:
        """Name the Variables to keep."""
        self._checkpoints = checkpoints

    def load(self, stat_dict: Any) -> None:
        raise NotImplementedError("RecomputeOptimizer has no load: load the inner optimizer's state")

    def apply_gradients(self, params_grads: list[Any]) -> list[Any]:
        return self._optimizer.apply_gradients(params_grads=params_grads)

    def backward(
        self,
        loss: Any,
        startup_program: Any = None,
        parameter_list: Any = None,
        no_grad_set: Any = None,
        callbacks: Any = None,
    ) -> list[Any]:
        """Append the gradient operators, with those of the forward pass that are run again."""
        if in_dygraph_mode():
            raise NotImplementedError("RecomputeOptimizer works on a Program, not in dygraph mode")
        self._dtype = loss.dtype
        with program_guard(loss.block.program, startup_program or default_startup_program()):
            return append_backward(loss, parameter_list, no_grad_set, checkpoints=self._checkpoints)

    def apply_optimize(self, loss: Any, startup_program: Any, params_grads: list[Any]) -> list[Any]:
        return self._optimizer.apply_optimize(loss, startup_program=startup_program, params_grads=params_grads)

    def minimize(
        self, loss: Any, startup_program: Any = None, parameter_list: Any = None, no_grad_set: Any = None
    ) -> tuple[list[Any], list[Any]]:
        assert self._checkpoints is not None, "RecomputeOptimizer: call _set_checkpoints before minimize"
        pairs = self.backward(loss, startup_program, parameter_list, no_grad_set)
        return self.apply_optimize(loss, startup_program=startup_program, params_grads=pairs), pairs


class LookaheadOptimizer:
    """Every k steps, go back part of the way to where the slow weights are (Zhang et al., arXiv:1907.08610).

    Args:
        inner_optimizer: what makes the fast steps.
        alpha: how far the slow weights follow, 0 to 1.
        k: fast steps to a slow one.
    """

    def __init__(self, inner_optimizer: Any, alpha: float = 0.5, k: int = 5) -> None:
        _only_static("LookaheadOptimizer")
        assert inner_optimizer is not None, "LookaheadOptimizer needs an inner optimizer"
        assert 0.0 <= alpha <= 1.0, f"alpha is between 0 and 1, not {alpha}"
        assert isinstance(k, int) and k > 0, f"k is a positive integer, not {k!r}"
        self.inner_optimizer = inner_optimizer
        self.alpha = alpha
        self.k = k
        self.type = "lookahead"

    def minimize(self, loss: Any, startup_program: Any = None) -> tuple[list[Any], list[Any]]:
        """Append the inner optimizer's update and the slow steps."""
        result = self.inner_optimizer.minimize(loss, startup_program=startup_program)
        startup = (startup_program or default_startup_program()).global_block()
        pairs = [(param, self._slow_twin(param, startup)) for param in loss.block.all_parameters()]
        k, alpha, step = (
            layers.create_global_var(name=name, shape=[1], value=value, dtype=dtype, persistable=True)
            for name, value, dtype in (
                ("lookahead_k", self.k, "int32"),
                ("lookahead_alpha", float(self.alpha), "float32"),
                ("lookahead_step", 0, "int32"),
            )
        )
        layers.increment(x=step, value=1.0, in_place=True)
        zero = layers.fill_constant(shape=[1], dtype="float32", value=0.0)
        one = layers.fill_constant(shape=[1], dtype="float32", value=1.0)
        remainder = layers.elementwise_mod(step, k)
        with layers.Switch() as switch:
            with switch.case(remainder == zero):
                for fast, slow in pairs:
                    met = layers.elementwise_add(
                        layers.elementwise_mul(fast, alpha),
                        layers.elementwise_mul(slow, layers.elementwise_sub(one, alpha)),
                    )
                    layers.assign(input=met, output=slow)
                    layers.assign(input=met, output=fast)
            with switch.default():
                pass
        return result

    @staticmethod
    def _slow_twin(param: Any, startup: Any) -> Any:
        attributes = {"name": f"{param.name}@SLOW", "shape": param.shape, "dtype": param.dtype, "persistable": True}
        twin = startup.create_var(**attributes)
        startup.append_op(type="assign", inputs={"X": startup.var(param.name)}, outputs={"Out": twin})
        return param.block.create_var(**attributes)


class PipelineOptimizer:
    """Train a program in sections. On one process the sections run one after the other, as a whole program does.

    Args:
        optimizer: what updates the parameters.
        cut_list, place_list, concurrency_list, queue_size, sync_steps, start_cpu_core_id: how sections were spread
            over devices; they do not change what is computed.
    """

    def __init__(
        self,
        optimizer: Any,
        cut_list: Any = None,
        place_list: Any = None,
        concurrency_list: Any = None,
        queue_size: int = 30,
        sync_steps: int = 1,
        start_cpu_core_id: int = 0,
    ) -> None:
        _only_static("PipelineOptimizer")
        self._optimizer = optimizer
        self._cut_list = cut_list
        self._place_list = place_list
        self._concurrency_list = concurrency_list
        self._queue_size = queue_size
        self._sync_steps = sync_steps
        self._start_cpu_core_id = start_cpu_core_id

    def minimize(
        self, loss: Any, startup_program: Any = None, parameter_list: Any = None, no_grad_set: Any = None
    ) -> None:
        """Append the inner optimizer's update."""
        self._optimizer.minimize(loss, startup_program, parameter_list, no_grad_set)


class DGCMomentumOptimizer(MomentumOptimizer):
    """Momentum whose gradients are sent compressed between GPUs; with one there is nothing to send, and it is momentum.

    Args:
        rampup_begin_step, rampup_step, sparsity, num_trainers: of the compression (Lin et al., arXiv:1712.01887).
    """

    def __init__(
        self,
        learning_rate: Any,
        momentum: float,
        rampup_begin_step: int,
        rampup_step: int = 1,
        sparsity: Any = [0.999],  # noqa: B006  the signature of fluid
        parameter_list: Any = None,
        use_nesterov: bool = False,
        num_trainers: int | None = None,
        regularization: Any = None,
        grad_clip: Any = None,
        name: str | None = None,
    ) -> None:
        _only_static("DGCMomentumOptimizer")
        assert core.is_compiled_with_cuda(), (
            "DGCMomentumOptimizer is for GPUs, and this Paddle has no CUDA: use Momentum"
        )
        assert rampup_begin_step >= 0, f"rampup_begin_step is 0 or more, not {rampup_begin_step}"
        super().__init__(learning_rate, momentum, parameter_list, use_nesterov, regularization, grad_clip, name)
        self._rampup_begin_step = rampup_begin_step
        self._rampup_step = rampup_step
        self._sparsity = sparsity
