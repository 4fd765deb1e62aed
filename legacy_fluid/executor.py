"""`fluid.executor`: runs programs, lowered for the core of today, in a scope."""

from __future__ import annotations

from typing import Any

from paddle.base import executor as _executor
from paddle.base.executor import global_scope, scope_guard
from paddle.base.framework import Program

from .framework import default_main_program
from .lowering import lowered

__all__ = ["Executor", "global_scope", "scope_guard"]


class Executor(_executor.Executor):
    """Run programs on one place.

    Args:
        place: CPUPlace or CUDAPlace; the CPU where none is given.
    """

    def run(
        self,
        program: Any = None,
        feed: Any = None,
        fetch_list: Any = None,
        feed_var_name: str = "feed",
        fetch_var_name: str = "fetch",
        scope: Any = None,
        return_numpy: bool = True,
        use_program_cache: bool = False,
        return_merged: bool = True,
        use_prune: bool = False,
    ) -> Any:
        """Run `program` once and return what `fetch_list` names.

        Args:
            program: Program or CompiledProgram; the default main program where none is given.
            feed: name -> array or LoDTensor.
            fetch_list: Variables or names.
            scope: where variables live; the global scope where none is given.
            return_numpy: arrays where True, LoDTensors where False.

        Raises:
            ValueError: a fed array does not fit the shape that `fluid.data` declared.
            RuntimeError: a fetched LoDTensor with lengths is asked for as an array.
        """
        program = program or default_main_program()
        if isinstance(program, Program):
            program = lowered(program)
        result = super().run(
            program,
            feed=feed,
            fetch_list=fetch_list,
            feed_var_name=feed_var_name,
            fetch_var_name=fetch_var_name,
            scope=scope,
            return_numpy=return_numpy,
            use_program_cache=use_program_cache,
            use_prune=use_prune,
        )
        return result if fetch_list else None


def as_numpy(tensor: Any) -> Any:
    """Return a LoDTensor, or a list of them, as arrays."""
    return _executor.as_numpy(tensor)


def _fetch_var(name: str, scope: Any = None, return_numpy: bool = True) -> Any:
    """Return the value of a variable of a scope by name."""
    return _executor._fetch_var(name, scope, return_numpy)
