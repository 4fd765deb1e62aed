"""`fluid.incubate.fleet.collective`: workers that add up their gradients; the one worker's are the sum already."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from ... import contrib, io
from ...beside.fs_wrapper import LocalFS
from ...compiler import BuildStrategy, CompiledProgram, ExecutionStrategy
from ...executor import Executor
from ...framework import Program, default_startup_program
from ...optimizer import RecomputeOptimizer
from ...parallel_executor import ParallelExecutor  # noqa: F401  used from here as well
from .base.fleet_base import DistributedOptimizer, Fleet, Mode


class LambConfig:
    """Holds nothing, as in 1.8."""


class DistFCConfig:
    """Holds nothing, as in 1.8."""


class TrainStatus:
    """How far a training has come.

    Args:
        epoch_no: the last epoch that is done; -1 where none is.
    """

    def __init__(self, epoch_no: int = -1) -> None:
        self._epoch_no = epoch_no

    def next(self) -> int:
        """Return the epoch to go on with."""
        return self._epoch_no + 1

    def __eq__(self, other: Any) -> bool:
        return self._epoch_no == other._epoch_no


class Collective(Fleet):
    """The fleet whose workers need no servers. `fleet` is the one there is."""

    def __init__(self) -> None:
        super().__init__(Mode.COLLECTIVE)
        self._local_ip = 0
        self.startup_program: Any = None
        self._origin_program: Any = None
        self._transpiled_program: Any = None
        self.main_program: Any = None
        self._checkoint_prefix = "__paddle_fleet_checkpoint__"
        self._param_file_name = "_paddle_fleet_param__"

    def init_worker(self) -> None:
        """Do nothing, and say so in the log."""
        _has_no_effect("init_worker")

    def run_worker(self, main_programs: Any = None, scopes: Any = None) -> None:
        """Do nothing, and say so in the log."""
        _has_no_effect("run_worker")

    def init_server(self, model_dir: str | None = None) -> None:
        """Do nothing, and say so in the log."""
        _has_no_effect("init_server")

    def run_server(self) -> None:
        """Do nothing, and say so in the log."""
        _has_no_effect("run_server")

    def stop_worker(self) -> None:
        """Do nothing, and say so in the log."""
        _has_no_effect("stop_worker")

    def distributed_optimizer(self, optimizer: Any, strategy: Any = None) -> CollectiveOptimizer:
        """Return the optimizer as a worker's, by a DistributedStrategy."""
        self._optimizer = CollectiveOptimizer(optimizer, strategy)
        return self._optimizer

    def save_inference_model(
        self,
        executor: Any,
        dirname: str,
        feeded_var_names: list[str] | None = None,
        target_vars: list[Any] | None = None,
        main_program: Any = None,
        export_for_deployment: bool = True,
    ) -> None:
        """Save what the targets need of the program that was minimized, or of another; see io.save_inference_model."""
        program = self._program_to_save("save_inference_model", executor, main_program)
        io.save_inference_model(
            dirname, feeded_var_names, target_vars, executor, program, None, None, export_for_deployment
        )

    def save_persistables(
        self, executor: Any, dirname: str, main_program: Any = None, filename: str | None = None
    ) -> None:
        """Save the parameters and states of the program that was minimized, or of another; see io.save_persistables."""
        program = self._program_to_save("save_persistables", executor, main_program)
        io.save_persistables(executor, dirname, program, filename=filename)

    def _program_to_save(self, name: str, executor: Any, program: Any) -> Program:
        program = self._origin_program if program is None else program
        assert isinstance(executor, Executor), f"fleet.{name} takes an Executor, not {executor!r}"
        assert isinstance(program, Program), (
            f"fleet.{name} takes a Program, not {program!r}: minimize first, or give one"
        )
        return program

    # --- checkpoints: folders numbered from 0, with the persistables in one file, and the TrainStatus ---

    def save_check_point(
        self,
        executor: Any,
        path: str,
        train_status: TrainStatus,
        main_program: Any = None,
        fs: Any = LocalFS(),  # noqa: B008  the signature of fluid
        local_cache_path: str = ".cache",
        remain_all_checkpoint: bool = True,
    ) -> None:
        """Save the program's persistables and the status under `path`.

        Args:
            fs: where `path` is: LocalFS or BDFS of paddle.distributed.fs_wrapper.
            local_cache_path: folder to gather the files in before they go to a file system elsewhere.
            remain_all_checkpoint: keep the ones before.
        """
        if not fs.stat(path):
            fs.mkdir(path)
        number = self._get_last_checkpoint_no(path, fs) + 1
        real_path = f"{path}/{self._checkoint_prefix}.{number}"
        temporary = f"{real_path}.tmp"
        is_elsewhere = fs.need_upload_download()
        saved_path = f"{local_cache_path}/{self._checkoint_prefix}.{number}.saved_cache" if is_elsewhere else temporary
        LocalFS().mkdir(saved_path)
        program = self._transpiled_program if main_program is None else main_program
        self.save_persistables(executor, saved_path, program, self._param_file_name)
        Path(saved_path, _STATUS).write_text(json.dumps({"epoch_no": train_status._epoch_no}), encoding="utf-8")
        if is_elsewhere:
            fs.delete(temporary)
            fs.upload(saved_path, temporary)
        fs.mv(temporary, real_path)
        if not remain_all_checkpoint:
            self.clean_redundant_check_points(path, fs)

    def load_check_point(
        self,
        executor: Any,
        path: str,
        trainer_id: int,
        main_program: Any = None,
        fs: Any = LocalFS(),  # noqa: B008  the signature of fluid
        local_cache_path: str = ".cache",
        ignore_empty: bool = True,
    ) -> TrainStatus | None:
        """Load the newest checkpoint under `path`, and return its status; None where there is none.

        Raises:
            AssertionError: there is none, and `ignore_empty` is False.
        """
        number = self._get_last_checkpoint_no(path, fs)
        assert ignore_empty or number >= 0, f"there is no checkpoint in {path}"
        if number < 0:
            return None
        load_path = f"{path}/{self._checkoint_prefix}.{number}"
        if fs.need_upload_download():
            cache = f"{local_cache_path}/{self._checkoint_prefix}.{number}.load_cache.{trainer_id}"
            LocalFS().mkdir(local_cache_path)
            LocalFS().delete(cache)
            fs.download(load_path, cache)
            load_path = cache
        program = self._transpiled_program if main_program is None else main_program
        io.load_persistables(executor, load_path, program, filename=self._param_file_name)
        return _read_status(Path(load_path, _STATUS))

    def clean_redundant_check_points(
        self,
        root_path: str,
        fs: Any = LocalFS(),  # noqa: B008  the signature of fluid
        checkpoint_num: int = 1,
    ) -> None:
        """Delete all checkpoints under `root_path` but the newest `checkpoint_num`, of which one at least stays."""
        numbers = self._checkpoint_numbers(root_path, fs)
        oldest_kept = max(numbers, default=0) - max(checkpoint_num, 1) + 1
        for number in numbers:
            if number < oldest_kept:
                fs.rmr(f"{root_path}/{self._checkoint_prefix}.{number}")

    def _get_last_checkpoint_no(self, root_path: str, fs: Any) -> int:
        return max(self._checkpoint_numbers(root_path, fs), default=-1)

    def _checkpoint_numbers(self, root_path: str, fs: Any) -> list[int]:
        parts = [name.split(".") for name in fs.list_dirs(root_path)]
        return [
            int(part[1]) for part in parts if len(part) == 2 and part[0] == self._checkoint_prefix and part[1].isdigit()
        ]


_STATUS = "fleet_train_status"


def _read_status(file: Path) -> TrainStatus:
    if not file.is_file():
        return TrainStatus()
    epoch = json.loads(file.read_text(encoding="utf-8")).get("epoch_no", -1)
    assert epoch >= 0, f"{file} holds no epoch_no from 0 on"
    return TrainStatus(epoch)


def _has_no_effect(name: str) -> None:
    logging.warning("%s has no effect: a collective fleet needs no servers", name)


fleet = Collective()


class DistributedStrategy(BuildStrategy):
    """How workers train together. On one worker recomputation and loss scaling have their effect, the rest has none."""

    def __init__(self) -> None:
        super().__init__()
        self.use_local_sgd = False
        self.use_dist_fc = False
        self.dist_fc_config: DistFCConfig | None = None
        self.mode = "nccl2"  # or "collective"
        self.collective_mode: str | None = None  # "local_sgd" or "grad_allreduce"
        self.nccl_comm_num = 1
        self.forward_recompute = False
        self.recompute_checkpoints: list[Any] = []
        self.use_amp = False
        self.amp_loss_scaling = 2**15
        self.exec_strategy = ExecutionStrategy()
        self._ut4grad_allreduce = False


class _InnerOptimizer(DistributedOptimizer):
    """Leaves the gradients to the optimizer inside."""

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


class CollectiveOpBasedOptimizer(_InnerOptimizer):
    """What optimizers that put the exchange into the program are derived from."""

    def __init__(self, optimizer: Any, strategy: Any = None) -> None:
        assert isinstance(strategy, DistributedStrategy), f"strategy is a DistributedStrategy, not {strategy!r}"
        super().__init__(optimizer, strategy)


class CollectiveOptimizer(_InnerOptimizer):
    """The optimizer of a worker; `fleet.distributed_optimizer` makes it.

    Args:
        optimizer: Optimizer.
        strategy: DistributedStrategy.
    """

    def __init__(
        self,
        optimizer: Any,
        strategy: Any = DistributedStrategy(),  # noqa: B008  the signature of fluid
    ) -> None:
        strategy = DistributedStrategy() if strategy is None else strategy
        super().__init__(optimizer, strategy)
        if not isinstance(strategy.recompute_checkpoints, list):
            raise ValueError(f"recompute_checkpoints are a list of Variables, not {strategy.recompute_checkpoints!r}")
        self._forward_recompute = strategy.forward_recompute
        self._recompute_checkpoints = strategy.recompute_checkpoints
        self._use_amp = strategy.use_amp
        self._amp_loss_scaling = strategy.amp_loss_scaling
        self.print_config = False

    def minimize(
        self, loss: Any, startup_program: Any = None, parameter_list: Any = None, no_grad_set: Any = None
    ) -> tuple[list[Any], list[Any]]:
        """Append gradients and updates, make `fleet.main_program`, and return what the optimizer inside returns.

        Raises:
            NotImplementedError: there are several workers.
            ValueError: the strategy asks for what the optimizer does already, or names no recompute_checkpoints.
            AssertionError: the strategy asks for what excludes each other.
        """
        if fleet.worker_num() > 1:
            raise fleet._several("fluid.incubate.fleet.collective.CollectiveOptimizer.minimize")
        self._wrap_optimizer()
        main_program = loss.block.program
        fleet.startup_program = startup_program or default_startup_program()
        self._loss = loss
        self._check_strategy(main_program)
        result = self._optimizer.minimize(loss, fleet.startup_program, parameter_list, no_grad_set)
        fleet._origin_program = main_program.clone(for_test=False)
        fleet._transpiled_program = main_program
        fleet.main_program = self._compile(main_program)
        return result

    def _wrap_optimizer(self) -> None:
        kind = type(self._optimizer).__name__
        if self._forward_recompute:
            if not self._recompute_checkpoints:
                raise ValueError("forward_recompute needs the strategy's recompute_checkpoints: set them")
            if kind in ("RecomputeOptimizer", "OptimizerWithMixedPrecision"):
                self.raiseOptimizeError("forward_recompute", kind)
            self._optimizer = RecomputeOptimizer(self._optimizer)
            self._optimizer._set_checkpoints(self._recompute_checkpoints)
        if self._use_amp:
            if kind in ("OptimizerWithMixedPrecision", "DGCMomentumOptimizer"):
                self.raiseOptimizeError("mixed_precision", kind)
            self._optimizer = contrib.mixed_precision.decorate(
                self._optimizer, init_loss_scaling=self._amp_loss_scaling, use_dynamic_loss_scaling=True
            )

    def raiseOptimizeError(self, strategy_name: str, optimize_name: str) -> None:
        """Raise the ValueError of a strategy's option that an optimizer excludes."""
        raise ValueError(f"{optimize_name} cannot be used with the strategy's {strategy_name}: it does it itself")

    def _check_strategy(self, main_program: Program) -> None:
        strategy = self._strategy
        used = {name for name in ("use_local_sgd", "use_dist_fc") if getattr(strategy, name)}
        used |= {name for name in ("_enable_dgc", "_use_lamb") if getattr(main_program, name, False)}
        for name in ("use_local_sgd", "use_dist_fc"):
            others = sorted(used - {name})
            assert name not in used or not others, f"{name} cannot be used together with {', '.join(others)}"
        assert not strategy.use_dist_fc or strategy.dist_fc_config is not None, "use_dist_fc needs dist_fc_config"
        if strategy.use_local_sgd:
            strategy.mode, strategy.collective_mode = "collective", "local_sgd"
        assert strategy.mode == "collective" or strategy.collective_mode not in ("local_sgd", "grad_allreduce"), (
            f'{strategy.collective_mode} goes with mode "collective", not "{strategy.mode}"'
        )

    def _compile(self, main_program: Program) -> Any:
        strategy = self._strategy
        strategy.nccl_comm_num, strategy.use_hierarchical_allreduce = 1, False  # one node has no use for more
        if strategy.mode == "collective":
            return main_program
        strategy.num_trainers, strategy.trainer_id = fleet.worker_num(), fleet.worker_index()
        strategy.trainers_endpoints = fleet.worker_endpoints()
        self._compiled_program = CompiledProgram(main_program).with_data_parallel(
            loss_name=self._loss.name, build_strategy=strategy, exec_strategy=strategy.exec_strategy
        )
        return self._compiled_program
