"""`fluid.incubate.fleet.parameter_server.distribute_transpiler`: the fleet that `fluid.DistributeTranspiler` divides.

The core has lost the parameter servers. One worker needs none: it holds its parameters itself, and its program is the
one that it was.
"""

from __future__ import annotations

from typing import Any

from ..... import io
from .....compiler import CompiledProgram
from .....executor import Executor
from .....framework import Program, default_startup_program
from .....optimizer import Optimizer
from .....transpiler.distribute_transpiler import (
    DistributeTranspilerConfig,
    ServerRuntimeConfig,  # used from here as well
)
from ...base.fleet_base import DistributedOptimizer, Fleet, Mode
from .distributed_strategy import (
    AsyncStrategy,
    DistributedStrategy,
    GeoStrategy,
    HalfAsyncStrategy,
    StrategyFactory,
    SyncStrategy,
    TrainerRuntimeConfig,  # used from here as well
)


class DistributedTranspiler(Fleet):
    """The fleet whose parameters servers hold. `fleet` is the one there is."""

    def __init__(self) -> None:
        super().__init__(Mode.TRANSPILER)
        self._transpile_config: Any = None
        self._origin_program: Any = None
        self.startup_program: Any = None
        self.main_program: Any = None

    def init_worker(self) -> None:
        """Print the settings of a worker; there are no servers to wait for."""
        print(self._transpile_config.get_trainer_runtime_config())

    def init_server(self, model_dir: str | None = None) -> None:
        """Raise NotImplementedError: the core has no parameter servers."""
        raise self._several(f"{_NAME}.fleet.init_server", "a parameter server")

    def run_server(self) -> None:
        """Raise NotImplementedError: the core has no parameter servers."""
        raise self._several(f"{_NAME}.fleet.run_server", "a parameter server")

    def stop_worker(self) -> None:
        """End the training: the fleet's executor runs nothing any more."""
        self._executor.close()

    def distributed_optimizer(self, optimizer: Any, strategy: Any = None) -> TranspilerOptimizer:
        """Return the optimizer as a worker's.

        Args:
            strategy: DistributeTranspilerConfig, or one that StrategyFactory makes; the synchronous where None.

        Raises:
            ValueError: `optimizer` is none, or `init` was not called.
            TypeError: `strategy` is none.
        """
        if not isinstance(optimizer, Optimizer):
            raise ValueError(f"fleet.distributed_optimizer takes an optimizer of fluid.optimizer, not {optimizer!r}")
        if not self._is_initialized:
            raise ValueError("fleet.distributed_optimizer needs this process's role: call fleet.init(role) first")
        self._optimizer = TranspilerOptimizer(optimizer, strategy)
        return self._optimizer

    def save_inference_model(
        self,
        executor: Any,
        dirname: str,
        feeded_var_names: list[str],
        target_vars: list[Any],
        main_program: Any = None,
        export_for_deployment: bool = True,
    ) -> None:
        """Save what the targets need of the program that was minimized, or of another; see io.save_inference_model."""
        program = _program_to_save("save_inference_model", executor, main_program or self._origin_program)
        io.save_inference_model(
            dirname, feeded_var_names, target_vars, executor, program, None, None, export_for_deployment
        )

    def save_persistables(self, executor: Any, dirname: str, main_program: Any = None) -> None:
        """Save the parameters and states of the program that was minimized, or of another; see io.save_persistables."""
        program = _program_to_save("save_persistables", executor, main_program or self.main_program)
        io.save_persistables(executor, dirname, program, None)

    def _take(self, strategy: Any, main_program: Program, startup_program: Program) -> None:
        """Take the programs of the one worker."""
        self._transpile_config = _strategy_of(strategy)
        self.main_program, self.startup_program = main_program, startup_program
        self._origin_program = main_program.clone(for_test=False)


_NAME = "fluid.incubate.fleet.parameter_server.distribute_transpiler"


def _program_to_save(name: str, executor: Any, program: Any) -> Program:
    if not isinstance(executor, Executor):
        raise TypeError(f"fleet.{name} takes an Executor, not {executor!r}")
    if isinstance(program, CompiledProgram) or not isinstance(program, Program):
        raise TypeError(f"fleet.{name} takes a Program, not {program!r}: minimize first, or give one")
    return program


def _strategy_of(config: Any) -> DistributedStrategy:
    """Return the strategy that a DistributeTranspilerConfig describes."""
    if isinstance(config, DistributedStrategy):
        return config
    strategy: DistributedStrategy
    if config.sync_mode:
        strategy = SyncStrategy()
    elif config.runtime_split_send_recv and config.geo_sgd_mode:
        strategy = GeoStrategy(config.geo_sgd_need_push_nums)
    elif config.half_async or not config.runtime_split_send_recv:
        strategy = HalfAsyncStrategy()
    else:
        strategy = AsyncStrategy()
    strategy.set_program_config(config)
    return strategy


fleet = DistributedTranspiler()


class TranspilerOptimizer(DistributedOptimizer):
    """The optimizer of a worker; `fleet.distributed_optimizer` makes it.

    Args:
        optimizer: Optimizer.
        strategy: DistributeTranspilerConfig, or one that StrategyFactory makes; the synchronous where None.
    """

    def __init__(self, optimizer: Any, strategy: Any = None) -> None:
        strategy = strategy or StrategyFactory.create_sync_strategy()
        if not isinstance(strategy, DistributeTranspilerConfig | DistributedStrategy):
            raise TypeError(f"a strategy is made by StrategyFactory, or a DistributeTranspilerConfig, not {strategy!r}")
        super().__init__(optimizer, strategy)

    def backward(
        self,
        loss: Any,
        startup_program: Any = None,
        parameter_list: Any = None,
        no_grad_set: Any = None,
        callbacks: Any = None,
    ) -> Any:
        return self._optimizer.backward(loss, startup_program, parameter_list, no_grad_set, callbacks)

    def apply_gradients(self, params_grads: Any) -> Any:
        return self._optimizer.apply_gradients(params_grads)

    def minimize(
        self,
        loss: Any,
        scopes: Any = None,
        startup_program: Any = None,
        parameter_list: Any = None,
        no_grad_set: Any = None,
    ) -> tuple[list[Any], list[Any]]:
        """Append gradients and updates, and return what the optimizer inside returns.

        Raises:
            NotImplementedError: there are several workers, or this process is a server.
            TypeError: `loss` or `startup_program` is a list.
        """
        for name, value in (("loss", loss), ("startup_program", startup_program)):
            if isinstance(value, list):
                raise TypeError(f"minimize takes one {name}, not a list")
        if fleet.is_server() or fleet.worker_num() > 1:
            part = "a parameter server" if fleet.is_server() else None
            raise fleet._several(f"{_NAME}.TranspilerOptimizer.minimize", part)
        result = self._optimizer.minimize(loss, startup_program, parameter_list, no_grad_set)
        fleet._take(self._strategy, loss.block.program, startup_program or default_startup_program())
        return result
