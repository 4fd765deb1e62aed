"""`fluid.transpiler.collective`: programs whose processes exchange gradients or parameters over NCCL."""

from __future__ import annotations

from typing import Any

__all__ = ["GradAllReduce", "LocalSGD"]


class Collective:
    """Puts the exchange into a program.

    Args:
        nrings: number of communicators.
    """

    def __init__(self, nrings: int) -> None:
        self.nrings = nrings

    def transpile(
        self,
        startup_program: Any,
        main_program: Any,
        rank: int,
        endpoints: Any,
        current_endpoint: str,
        wait_port: bool,
    ) -> None:
        """Refuse: ValueError for one endpoint, which has none to exchange with, else NotImplementedError."""
        endpoints = endpoints.split(",") if isinstance(endpoints, str) else endpoints
        if len(endpoints) == 1:
            raise ValueError(f"an exchange takes several endpoints, not {endpoints} alone")
        if rank < 0 or current_endpoint not in endpoints:
            raise ValueError(f"rank {rank} at {current_endpoint} is none of {endpoints}")
        raise NotImplementedError(
            f"{type(self).__name__}: the core lacks 1.8's operators; use paddle.distributed.fleet"
        )


class GradAllReduce(Collective):
    """Adds up gradients over all processes."""

    def __init__(self, nrings: int = 2) -> None:
        super().__init__(nrings)
        self.mode = "grad_allreduce"


class LocalSGD(Collective):
    """Trains each process by itself, and averages parameters at times."""

    def __init__(self, nrings: int = 2) -> None:
        super().__init__(nrings)
        self.snapshot_key = "@SNAPSHOT"
        self.mode = "local_sgd"

    def snapshot_name(self, param_name: str) -> str:
        """Return the name of a parameter's value at the last exchange."""
        return param_name + self.snapshot_key
