"""`fluid.parallel_executor`: the older way to train on several devices."""

from __future__ import annotations

from typing import Any

from . import core
from .compiler import BuildStrategy, CompiledProgram, ExecutionStrategy  # noqa: F401  used from here as well
from .executor import Executor, global_scope
from .framework import cpu_places, cuda_places, default_main_program

__all__ = ["ParallelExecutor"]


class ParallelExecutor:
    """A program and the executor that runs it. On one process it runs as the program it is.

    Args:
        use_cuda: on the GPUs there are, or on the CPU.
        loss_name: needed where the program has gradients.
        main_program: the default where None.
        share_vars_from: another ParallelExecutor, whose variables are used.
        scope: where variables live; the global scope where None.
    """

    def __init__(
        self,
        use_cuda: bool,
        loss_name: str | None = None,
        main_program: Any = None,
        share_vars_from: Any = None,
        exec_strategy: Any = None,
        build_strategy: Any = None,
        num_trainers: int = 1,
        trainer_id: int = 0,
        scope: Any = None,
    ) -> None:
        assert share_vars_from is None or isinstance(share_vars_from, ParallelExecutor), (
            f"share_vars_from is a ParallelExecutor, not {share_vars_from!r}"
        )
        self._places = cuda_places() if use_cuda else cpu_places()
        self._scope = scope or global_scope()
        self._compiled_program = CompiledProgram(main_program or default_main_program()).with_data_parallel(
            loss_name=loss_name,
            build_strategy=build_strategy,
            exec_strategy=exec_strategy,
            share_vars_from=share_vars_from and share_vars_from._compiled_program,
        )
        self._exe = Executor(core.CUDAPlace(0) if use_cuda else core.CPUPlace())

    def run(self, fetch_list: Any, feed: Any = None, feed_dict: Any = None, return_numpy: bool = True) -> Any:
        """Run the program once; see Executor.run.

        Args:
            feed: name -> array, or a list of such, a part of the batch each.
            feed_dict: an older name of `feed`.
        """
        return self._exe.run(
            self._compiled_program,
            scope=self._scope,
            feed=feed_dict if feed is None else feed,
            fetch_list=fetch_list,
            return_numpy=return_numpy,
        )

    @property
    def device_count(self) -> int:
        """Number of places."""
        return len(self._places)

    def drop_local_exe_scopes(self) -> None:
        """Free the temporaries of past runs; there are none here, each run frees its own."""
