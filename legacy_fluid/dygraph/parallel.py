"""`fluid.dygraph.parallel`: one model trained by several processes, each on a part of the batch."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .. import core
from ..framework import in_dygraph_mode
from . import parallel_helper
from .base import no_grad, to_variable
from .layers import Layer

__all__ = ["DataParallel", "ParallelEnv", "prepare_context"]

ParallelStrategy = core.ParallelStrategy


def prepare_context(strategy: Any = None) -> Any:
    """Connect the processes that `paddle.distributed.launch` started; return the strategy, None where there is one.

    Args:
        strategy: ParallelStrategy; what the environment says where None.
    """
    if strategy is None:
        env = ParallelEnv()
        strategy = ParallelStrategy()
        strategy.nranks, strategy.local_rank = env.nranks, env.local_rank
        strategy.trainer_endpoints, strategy.current_endpoint = env.trainer_endpoints, env.current_endpoint
    if strategy.nranks < 2:
        return None
    assert in_dygraph_mode(), "prepare_context is called within fluid.dygraph.guard()"
    import paddle.distributed

    paddle.distributed.init_parallel_env()
    parallel_helper._set_parallel_ctx(strategy)
    return strategy


class ParallelEnv:
    """What `paddle.distributed.launch` tells a process about itself and the others."""

    def __init__(self) -> None:
        self._nranks = int(os.getenv("PADDLE_TRAINERS_NUM", "1"))
        self._local_rank = int(os.getenv("PADDLE_TRAINER_ID", "0"))
        self._dev_id = int(os.getenv("FLAGS_selected_gpus", "0"))
        self._trainer_endpoints = os.getenv("PADDLE_TRAINER_ENDPOINTS", "").split(",")
        self._current_endpoint = os.getenv("PADDLE_CURRENT_ENDPOINT", "")

    @property
    def nranks(self) -> int:
        """Number of processes."""
        return self._nranks

    @property
    def local_rank(self) -> int:
        """Number of this one."""
        return self._local_rank

    @property
    def dev_id(self) -> int:
        """Number of its GPU."""
        return self._dev_id

    @property
    def current_endpoint(self) -> str:
        """Its address."""
        return self._current_endpoint

    @property
    def trainer_endpoints(self) -> list[str]:
        """The addresses of all."""
        return self._trainer_endpoints


Env = ParallelEnv


class DataParallel(Layer):
    """A Layer whose gradients are averaged over the processes: scale_loss, backward, apply_collective_grads, minimize.

    Args:
        layers: the Layer.
        strategy: as `prepare_context` returned it; None is one process.
    """

    def __init__(self, layers: Layer, strategy: Any) -> None:
        super().__init__(f"{layers.full_name()}_data_parallel")
        self._layers = layers
        self._strategy = strategy

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self._layers(*inputs, **kwargs)

    def scale_loss(self, loss: Any) -> Any:
        """Return the loss divided by the number of processes."""
        if not self._is_data_parallel_mode():
            return loss
        return loss / to_variable(np.array([self._strategy.nranks], "float32"))

    @no_grad
    def apply_collective_grads(self) -> None:
        """Add up the gradients of all processes."""
        if not self._is_data_parallel_mode():
            return
        import paddle.distributed

        for parameter in self._layers.parameters():
            if parameter.trainable and parameter._grad_ivar() is not None:
                paddle.distributed.all_reduce(parameter._grad_ivar())

    def _is_data_parallel_mode(self) -> bool:
        return self._strategy is not None and self._strategy.nranks > 1

    def state_dict(
        self, destination: Any = None, include_sublayers: bool = True, structured_name_prefix: str = ""
    ) -> Any:
        """Return the state of the Layer itself."""
        return self._layers.state_dict(destination, include_sublayers, structured_name_prefix)

    def set_dict(self, stat_dict: Any, include_sublayers: bool = True, use_structured_name: bool = True) -> None:
        """Give the Layer the values in `stat_dict`."""
        self._layers.set_dict(stat_dict, include_sublayers, use_structured_name)

    def load_dict(self, stat_dict: Any, include_sublayers: bool = True, use_structured_name: bool = True) -> None:
        """`set_dict` under its other name."""
        self._layers.load_dict(stat_dict, include_sublayers, use_structured_name)
