"""`fluid.incubate.fleet.parameter_server.distribute_transpiler.distributed_strategy`: when workers and servers speak.

On one worker there is no one to speak to: what is set is kept and given back, and has no effect.
"""

from __future__ import annotations

import os
from typing import Any, ClassVar

from .....compiler import BuildStrategy, ExecutionStrategy
from .....transpiler.distribute_transpiler import (
    DistributedMode,
    DistributeTranspilerConfig,
    ServerRuntimeConfig,
)

__all__ = [
    "AsyncStrategy",
    "DistributedStrategy",
    "GeoStrategy",
    "HalfAsyncStrategy",
    "StrategyFactory",
    "SyncStrategy",
    "TrainerRuntimeConfig",
]

_THREADS = None  # stands for CPU_NUM among the defaults below
_DEFAULTS = {
    "communicator_max_merge_var_num": _THREADS,
    "communicator_send_queue_size": _THREADS,
    "communicator_independent_recv_thread": "1",
    "communicator_min_send_grad_num_before_recv": _THREADS,
    "communicator_thread_pool_size": "5",
    "communicator_send_wait_times": "5",
    "communicator_is_sgd_optimizer": "1",
    "rpc_deadline": "180000",
    "rpc_retry_times": "3",
}
_OF_BATCHES = ("communicator_max_merge_var_num", "communicator_send_queue_size")
_OF_SENDING = ("communicator_thread_pool_size", "communicator_send_wait_times")


class TrainerRuntimeConfig:
    """How a worker sends its gradients: `mode`, and `runtime_configs`, by default from FLAGS_ of the environment."""

    def __init__(self) -> None:
        self.mode: int | None = None
        self.runtime_configs = {
            name: os.getenv(f"FLAGS_{name}", default or _threads()) for name, default in _DEFAULTS.items()
        }

    def get_communicator_flags(self) -> dict[str, str]:
        """Return the settings that the mode reads; where workers wait for each other, those of CPU_NUM are that number.

        Raises:
            ValueError: the mode is none of DistributedMode.
        """
        if self.mode in (None, DistributedMode.ASYNC):
            names = list(self.runtime_configs)
        elif self.mode in (DistributedMode.SYNC, DistributedMode.HALF_ASYNC):
            names = [*_OF_BATCHES, *_OF_SENDING]
            for name in _OF_BATCHES:
                if self.runtime_configs[name] != _threads():
                    print(f"WARNING: {name} is CPU_NUM, {_threads()}, and not {self.runtime_configs[name]}")
                    self.runtime_configs[name] = _threads()
        elif self.mode == DistributedMode.GEO:
            names = [*_OF_SENDING]
        else:
            raise ValueError(f"mode is one of DistributedMode, not {self.mode!r}")
        return {name: str(self.runtime_configs[name]) for name in names}

    def display(self, configs: dict[str, str]) -> str:
        """Return a table of settings."""
        rows = "".join(f"{name:<45}{value:<5}\n" for name, value in configs.items())
        head = f"{'TrainerRuntimeConfig Overview':^45}{'Value':<5}"
        return f"\n{'=' * 50}\n{head}\n{'-' * 50}\n{rows}{'=' * 50}\n"

    def __repr__(self) -> str:
        return self.display(self.get_communicator_flags())


def _threads() -> str:
    return os.getenv("CPU_NUM", "1")


class DistributedStrategy:
    """Settings in five groups, each with a getter and a setter; StrategyFactory makes one for a mode.

    A setter takes an object of the group's class, or a dict of settings of it.

    Raises:
        ValueError: the group has no such setting.
        TypeError: neither object nor dict.
    """

    def __init__(self) -> None:
        self._program_config = DistributeTranspilerConfig()
        self._trainer_runtime_config = TrainerRuntimeConfig()
        self._server_runtime_config = ServerRuntimeConfig()
        self._execute_strategy = ExecutionStrategy()
        self._build_strategy = BuildStrategy()
        threads = int(_threads())
        self._execute_strategy.num_threads = threads
        if threads > 1:
            self._build_strategy.reduce_strategy = BuildStrategy.ReduceStrategy.Reduce
        self.debug_opt: dict[str, Any] | None = None

    def set_debug_opt(self, opt_info: dict[str, Any]) -> None:
        self.debug_opt = opt_info

    def get_debug_opt(self) -> dict[str, Any]:
        """Return what to dump while training, completed by defaults; {} where nothing was set."""
        given = self.debug_opt
        if not isinstance(given, dict):
            return {}
        defaults = {"dump_fields": [], "dump_file_num": 16, "dump_fields_path": "", "dump_param": []}
        return {
            "dump_slot": bool(given.get("dump_slot", 0)),
            "dump_converter": str(given.get("dump_converter", "")),
            **{name: given.get(name, default) for name, default in defaults.items()},
        }

    def get_program_config(self) -> DistributeTranspilerConfig:
        return self._program_config

    def set_program_config(self, config: Any) -> None:
        self._program_config = _updated(self._program_config, config)
        self.check_program_config()

    def check_program_config(self) -> None:
        raise NotImplementedError(_USE_FACTORY)

    def get_trainer_runtime_config(self) -> TrainerRuntimeConfig:
        return self._trainer_runtime_config

    def set_trainer_runtime_config(self, config: Any) -> None:
        if isinstance(config, dict):
            settings = self._trainer_runtime_config.runtime_configs
            for name, value in config.items():
                if name not in settings:
                    raise ValueError(f"TrainerRuntimeConfig has no setting {name!r}, but {', '.join(settings)}")
                settings[name] = value
        else:
            self._trainer_runtime_config = _updated(self._trainer_runtime_config, config)
        self.check_trainer_runtime_config()

    def check_trainer_runtime_config(self) -> None:
        raise NotImplementedError(_USE_FACTORY)

    def get_server_runtime_config(self) -> ServerRuntimeConfig:
        return self._server_runtime_config

    def set_server_runtime_config(self, config: Any) -> None:
        self._server_runtime_config = _updated(self._server_runtime_config, config)
        self.check_server_runtime_config()

    def check_server_runtime_config(self) -> None:
        raise NotImplementedError(_USE_FACTORY)

    def get_execute_strategy(self) -> ExecutionStrategy:
        return self._execute_strategy

    def set_execute_strategy(self, config: Any) -> None:
        self._execute_strategy = _updated(self._execute_strategy, config)
        self.check_execute_strategy()

    def check_execute_strategy(self) -> None:
        raise NotImplementedError(_USE_FACTORY)

    def get_build_strategy(self) -> BuildStrategy:
        return self._build_strategy

    def set_build_strategy(self, config: Any) -> None:
        self._build_strategy = _updated(self._build_strategy, config)
        self.check_build_strategy()

    def check_build_strategy(self) -> None:
        raise NotImplementedError(_USE_FACTORY)


_USE_FACTORY = "a DistributedStrategy is that of a mode: make one with StrategyFactory"


def _updated(settings: Any, config: Any) -> Any:
    """Return a group of settings as a setter is to leave it: `config` itself, or `settings` changed by that dict."""
    if isinstance(config, type(settings)):
        return config
    if not isinstance(config, dict):
        raise TypeError(f"the settings are a {type(settings).__name__} or a dict, not {config!r}")
    for name, value in config.items():
        if not hasattr(settings, name):
            raise ValueError(f"{type(settings).__name__} has no setting {name!r}")
        setattr(settings, name, value)
    return settings


class _StrategyOfMode(DistributedStrategy):
    """Settings that fit together, and that stay so whatever is set: what a mode says is set again after each change."""

    _mode: int
    _of_program: ClassVar[dict[str, bool]]
    _has_thread_barrier = False

    def __init__(self) -> None:
        super().__init__()
        self.check_program_config()
        self.check_trainer_runtime_config()
        self.check_build_strategy()
        self.check_execute_strategy()

    def check_program_config(self) -> None:
        for name, value in {"sync_mode": False, "runtime_split_send_recv": True, **self._of_program}.items():
            setattr(self._program_config, name, value)

    def check_trainer_runtime_config(self) -> None:
        self._trainer_runtime_config.mode = self._mode

    def check_server_runtime_config(self) -> None:
        pass

    def check_execute_strategy(self) -> None:
        if self._has_thread_barrier:
            self._execute_strategy.use_thread_barrier = True

    def check_build_strategy(self) -> None:
        self._build_strategy.async_mode = True


class SyncStrategy(_StrategyOfMode):
    """Workers wait for each other after each batch."""

    _mode = DistributedMode.SYNC
    _of_program: ClassVar[dict[str, bool]] = {"half_async": True, "completely_not_async": True}
    _has_thread_barrier = True


class AsyncStrategy(_StrategyOfMode):
    """Workers do not wait."""

    _mode = DistributedMode.ASYNC
    _of_program: ClassVar[dict[str, bool]] = {}


class HalfAsyncStrategy(_StrategyOfMode):
    """The threads of a worker wait for each other, and workers do not."""

    _mode = DistributedMode.HALF_ASYNC
    _of_program: ClassVar[dict[str, bool]] = {"half_async": True}
    _has_thread_barrier = True


class GeoStrategy(_StrategyOfMode):
    """Workers train by themselves, and exchange what changed after some batches.

    Args:
        update_frequency: so many batches.
    """

    _mode = DistributedMode.GEO
    _of_program: ClassVar[dict[str, bool]] = {"geo_sgd_mode": True}

    def __init__(self, update_frequency: int = 100) -> None:
        super().__init__()
        self._program_config.geo_sgd_need_push_nums = update_frequency


class StrategyFactory:
    """Makes the strategy of a mode."""

    @staticmethod
    def create_sync_strategy() -> SyncStrategy:
        return SyncStrategy()

    @staticmethod
    def create_half_async_strategy() -> HalfAsyncStrategy:
        return HalfAsyncStrategy()

    @staticmethod
    def create_async_strategy() -> AsyncStrategy:
        return AsyncStrategy()

    @staticmethod
    def create_geo_strategy(update_frequency: int = 100) -> GeoStrategy:
        return GeoStrategy(update_frequency)
