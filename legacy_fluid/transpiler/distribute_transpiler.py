"""`fluid.transpiler.distribute_transpiler`: a program's part for each process of a training; here there is one process.

The core has lost the operators that spoke to parameter servers and that gathered NCCL's processes. One trainer needs
neither: its program is the one that it was. Nor does a program that updates nothing, however many run it.
"""

from __future__ import annotations

import math
import os
from typing import Any

from ..framework import Program, default_main_program, default_startup_program
from .ps_dispatcher import PSDispatcher, RoundRobin

PRINT_LOG = False


class DistributedMode:
    SYNC = 0
    ASYNC = 1
    HALF_ASYNC = 2
    GEO = 3


class VarBlock:
    """A part of a variable: the block number `offset`, of `size` elements."""

    def __init__(self, varname: str, offset: int, size: int) -> None:
        self.varname = varname
        self.offset = offset
        self.size = size

    def __str__(self) -> str:
        return f"{self.varname}:{self.offset}:{self.size}"


class ServerRuntimeConfig:
    """How many threads of a server speak to trainers, from the environment."""

    def __init__(self) -> None:
        for work in ("send", "get", "prefetch"):
            setattr(self, f"_rpc_{work}_thread_num", int(os.getenv(f"FLAGS_rpc_{work}_thread_num", "12")))


def log(*args: Any) -> None:
    """Print the arguments where PRINT_LOG is set."""
    if PRINT_LOG:
        print(args)


def same_or_split_var(p_name: str, var_name: str) -> bool:
    """Say whether `p_name` is `var_name`, or a block of it."""
    return p_name == var_name or p_name.startswith(f"{var_name}.block")


def slice_variable(var_list: Any, slice_count: int, min_block_size: int) -> list[str]:
    """Return variables cut in blocks "name:block:elements", each variable in `slice_count` of them or fewer.

    Blocks hold whole rows, and at least `min_block_size` elements but for the last.
    """
    blocks = []
    for var in var_list:
        elements, row = math.prod(var.shape), math.prod(var.shape[1:])
        count = min(slice_count, max(elements // min_block_size, 1))
        size = math.ceil(math.ceil(elements / count) / row) * row
        starts = range(0, elements, size)
        blocks += [str(VarBlock(var.name, i, min(size, elements - start))) for i, start in enumerate(starts)]
    return blocks


class DistributeTranspilerConfig:
    """How to divide a program; what concerns several processes is kept, and has no effect on one."""

    slice_var_up: bool = True
    split_method: Any = None
    min_block_size: int = 8192
    enable_dc_asgd: bool = False
    mode: str = "pserver"
    print_log: bool = False
    wait_port: bool = True
    half_async: bool = False
    completely_not_async: bool = False
    geo_sgd_mode: bool = False
    geo_sgd_need_push_nums: int = 100
    nccl_comm_num: int = 1
    use_hierarchical_allreduce: bool = False
    hierarchical_allreduce_inter_nranks: int = 0
    collective_mode: Any = None
    _runtime_split_send_recv = False
    _sync_mode = True

    def __init__(self) -> None:
        pass

    @property
    def runtime_split_send_recv(self) -> bool:
        return self._runtime_split_send_recv

    @runtime_split_send_recv.setter
    def runtime_split_send_recv(self, value: bool) -> None:
        _check_exclusive("runtime_split_send_recv", value, "sync_mode", self._sync_mode)
        self._runtime_split_send_recv = value

    @property
    def sync_mode(self) -> bool:
        return self._sync_mode

    @sync_mode.setter
    def sync_mode(self, value: bool) -> None:
        _check_exclusive("sync_mode", value, "runtime_split_send_recv", self._runtime_split_send_recv)
        self._sync_mode = value


def _check_exclusive(name: str, value: Any, other: str, is_other_set: bool) -> None:
    if value is None:
        raise ValueError(f"{name} is True or False, not None")
    if value and is_other_set:
        raise ValueError(f"{name} and {other} exclude each other: set {other} to False first")


class DistributeTranspiler:
    """Divides a program among trainers and servers; with one trainer there is nothing to divide.

    Args:
        config: DistributeTranspilerConfig.
    """

    def __init__(self, config: DistributeTranspilerConfig | None = None) -> None:
        self.config = config or DistributeTranspilerConfig()
        self.config.split_method = self.config.split_method or RoundRobin
        assert self.config.min_block_size >= 8192, f"min_block_size is 8192 or more, not {self.config.min_block_size}"
        assert issubclass(self.config.split_method, PSDispatcher), "split_method is a class of ps_dispatcher"

    def transpile(
        self,
        trainer_id: int,
        program: Program | None = None,
        pservers: str = "127.0.0.1:6174",
        trainers: int | str = 1,
        sync_mode: bool = True,
        startup_program: Program | None = None,
        current_endpoint: str = "127.0.0.1:6174",
    ) -> None:
        """Take the program of a trainer.

        Args:
            trainers: their number; in the modes nccl2 and collective their endpoints.

        Raises:
            NotImplementedError: there are several trainers, and the program updates parameters.
        """
        number = len(trainers.split(",")) if isinstance(trainers, str) else trainers
        program = program or default_main_program()
        if number > 1 and _updates(program):
            raise NotImplementedError(_several(f"{number} trainers"))
        self.trainer_id, self.trainer_num, self.sync_mode = trainer_id, number, sync_mode
        self.pserver_endpoints = pservers.split(",")
        self.origin_program = program
        self.startup_program = startup_program or default_startup_program()

    def get_trainer_program(self, wait_port: bool = True) -> Program:
        """Return the program that `transpile` took."""
        return self.origin_program

    def get_pserver_program(self, endpoint: str) -> Program:
        """Return what a server runs: nothing, for a program that updates nothing.

        Raises:
            NotImplementedError: the program updates parameters, and the core has no parameter servers.
        """
        if _updates(self.origin_program):
            raise NotImplementedError(_several("a parameter server"))
        return Program()

    def get_pserver_programs(self, endpoint: str) -> tuple[Program, Program]:
        """Return what a server runs, and what it starts with; see `get_pserver_program`."""
        return self.get_pserver_program(endpoint), self.get_startup_program(endpoint)

    def get_startup_program(
        self, endpoint: str, pserver_program: Program | None = None, startup_program: Program | None = None
    ) -> Program:
        """Return what a server starts with; see `get_pserver_program`."""
        return self.get_pserver_program(endpoint)


def _updates(program: Program) -> bool:
    return any({"Param", "Grad"} <= set(op.input_names) for block in program.blocks for op in block.ops)


def _several(what: str) -> str:
    return (
        f"fluid.DistributeTranspiler: {what} cannot be had, the core lacks the operators; use paddle.distributed.fleet"
    )
