"""`fluid.incubate.fleet.base.fleet_base`: what all kinds of fleet have in common."""

from __future__ import annotations

from typing import Any

from ....contrib.mixed_precision.decorator import OptimizerWithMixedPrecision
from ....core import CPUPlace
from ....executor import Executor
from ....optimizer import Optimizer
from ..utils.hdfs import HDFSClient
from .mode import Mode
from .role_maker import RoleMakerBase

__all__ = ["DistributedOptimizer", "Fleet", "Mode"]


class Fleet:
    """The processes that train together, and this one's part among them, once `init` has been called.

    Args:
        mode: of Mode.
    """

    def __init__(self, mode: int) -> None:
        self._is_initialized = False
        self._mode = mode
        self._optimizer: Any = None
        self._role_maker: Any = None
        self._executor: Any = None

    def init(self, role_maker: Any = None) -> None:
        """Find out this process's part; programs call it first.

        Args:
            role_maker: RoleMakerBase.

        Raises:
            TypeError: `role_maker` is none.
            AssertionError, KeyError: the environment does not say what the role maker asks it; a note tells what to set.
        """
        if not isinstance(role_maker, RoleMakerBase):
            raise TypeError(f"role_maker is a role maker of incubate.fleet.base.role_maker, not {role_maker!r}")
        self._executor = Executor(CPUPlace())
        self._role_maker = role_maker
        try:
            self._role_maker.generate_role()
        except (AssertionError, KeyError) as error:
            error.add_note(_ENVIRONMENT)
            raise
        self._is_initialized = True

    def is_first_worker(self) -> bool:
        return self._role_maker.is_first_worker()

    def worker_index(self) -> int:
        return self._role_maker.worker_index()

    def worker_num(self) -> int:
        return self._role_maker.worker_num()

    def is_worker(self) -> bool:
        return self._role_maker.is_worker()

    def worker_endpoints(self, to_string: bool = False) -> Any:
        """Return the workers' "address:port", as a list or joined by commas."""
        endpoints = self._role_maker.get_trainer_endpoints()
        return ",".join(endpoints) if to_string else endpoints

    def server_num(self) -> int:
        return len(self._role_maker.get_pserver_endpoints())

    def server_index(self) -> int:
        return self._role_maker.server_index()

    def server_endpoints(self, to_string: bool = False) -> Any:
        """Return the servers' "address:port", as a list or joined by commas."""
        endpoints = self._role_maker.get_pserver_endpoints()
        return ",".join(endpoints) if to_string else endpoints

    def is_server(self) -> bool:
        return self._role_maker.is_server()

    def split_files(self, files: list[str]) -> list[str]:
        """Return this worker's part of a list: neighbours, and one more for each of the first where it does not divide.

        Raises:
            TypeError: `files` is no list.
        """
        if not isinstance(files, list):
            raise TypeError(f"the files to split are a list, not {files!r}")
        return HDFSClient.split_files(files, self.worker_index(), self.worker_num())

    def all_reduce_worker(self, input: Any, output: Any) -> None:
        """Write the sum of all workers' `input`, an array of one dimension, to `output`."""
        self._role_maker.all_reduce_worker(input, output)

    def barrier_worker(self) -> None:
        """Wait for all workers."""
        self._role_maker.barrier_worker()

    def init_worker(self) -> None:
        """Defined by each kind of fleet."""

    def init_server(self, model_dir: str | None = None) -> None:
        """Defined by each kind of fleet."""

    def run_server(self) -> None:
        """Defined by each kind of fleet."""

    def stop_worker(self) -> None:
        """Defined by each kind of fleet."""

    def distributed_optimizer(self, optimizer: Any, strategy: Any = None) -> Any:
        """Defined by each kind of fleet."""

    def save_inference_model(
        self,
        executor: Any,
        dirname: str,
        feeded_var_names: list[str],
        target_vars: list[Any],
        main_program: Any = None,
        export_for_deployment: bool = True,
    ) -> None:
        """Defined by each kind of fleet."""

    def save_persistables(self, executor: Any, dirname: str, main_program: Any = None) -> None:
        """Defined by each kind of fleet."""

    def _several(self, name: str, part: str | None = None) -> NotImplementedError:
        """Return the error of what takes several processes.

        Args:
            name: what the program called.
            part: what this process is among the several; the worker that it is where None.
        """
        part = part or f"worker {self.worker_index()} of {self.worker_num()}"
        return NotImplementedError(
            f"{name}: this process is {part}, and the core lacks the operators by which 1.8's processes met; "
            "start one worker alone, or port the training to paddle.distributed.fleet"
        )


_ENVIRONMENT = (
    "To start one worker alone, set TRAINING_ROLE=TRAINER PADDLE_TRAINER_ID=0 PADDLE_TRAINERS_NUM=1 "
    "PADDLE_TRAINER_ENDPOINTS=127.0.0.1:6170 PADDLE_PSERVERS_IP_PORT_LIST=127.0.0.1:6174"
)


class DistributedOptimizer:
    """An optimizer, with how its gradients meet those of the other workers.

    Args:
        optimizer: Optimizer.
        strategy: of the kind of fleet.

    Raises:
        TypeError: `optimizer` is no optimizer.
    """

    def __init__(self, optimizer: Any, strategy: Any = None) -> None:
        if not isinstance(optimizer, Optimizer | OptimizerWithMixedPrecision):
            raise TypeError(f"a distributed optimizer takes an optimizer of fluid.optimizer, not {optimizer!r}")
        self._optimizer = optimizer
        self._strategy = strategy

    def backward(
        self,
        loss: Any,
        startup_program: Any = None,
        parameter_list: Any = None,
        no_grad_set: Any = None,
        callbacks: Any = None,
    ) -> Any:
        """Defined by each kind of fleet."""

    def apply_gradients(self, params_grads: Any) -> Any:
        """Defined by each kind of fleet."""

    def minimize(
        self,
        losses: Any,
        scopes: Any = None,
        startup_programs: Any = None,
        parameter_list: Any = None,
        no_grad_set: Any = None,
    ) -> Any:
        """Defined by each kind of fleet."""
