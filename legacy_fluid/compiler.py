"""`fluid.compiler`: programs for several devices at once. On one process each runs as the program it is.

With n places fluid split the batch in n and averaged the gradients of the parts, which is what the whole batch gives.
What one sees of it: a fetched loss is that of the batch, shape (1,), and not of its n parts.
"""

from __future__ import annotations

from typing import Any

from paddle.base import compiler as _compiler
from paddle.base import core as _core
from paddle.base.framework import IrGraph

from .framework import Program

__all__ = ["BuildStrategy", "CompiledProgram", "ExecutionStrategy"]

BuildStrategy = _compiler.BuildStrategy


class ExecutionStrategy(_compiler.ExecutionStrategy):
    """How a program is run: threads, and what is dropped when. One process on one place runs it the one way it can."""

    use_cuda = True  # 2.6 has it no more, and the place says it


class CompiledProgram:
    """A program with the strategies to run it by.

    Args:
        program_or_graph: Program, or the core.Graph of one.
        build_strategy: BuildStrategy.

    Raises:
        TypeError: it is neither.
    """

    def __init__(self, program_or_graph: Any, build_strategy: Any = None) -> None:
        if isinstance(program_or_graph, Program):
            _remove_feeds(program_or_graph)
            self._program = program_or_graph
        elif isinstance(program_or_graph, _core.Graph):
            self._program = _program_of(program_or_graph)
        else:
            raise TypeError(f"CompiledProgram takes a Program or a Graph, not {type(program_or_graph)}")
        self._build_strategy = build_strategy
        self._exec_strategy: Any = None
        self._is_data_parallel = False
        self._is_inference = False
        self._loss_name: str | None = None
        self._share_vars_from: Any = None
        self._places: Any = None

    def with_data_parallel(
        self,
        loss_name: str | None = None,
        build_strategy: Any = None,
        exec_strategy: Any = None,
        share_vars_from: Any = None,
        places: Any = None,
    ) -> CompiledProgram:
        """Say how to train on several places; return the compiled program itself.

        Args:
            loss_name: needed where the program has gradients.
            share_vars_from: another CompiledProgram, whose variables are used; one scope holds them here anyway.
            places: a place or a list of them.

        Raises:
            AssertionError: called twice, or gradients without a loss_name.
        """
        assert not self._is_data_parallel, "with_data_parallel was called already"
        assert not self._is_inference, "a program is compiled for data parallelism or for inference, not both"
        has_gradients = any(op.type.endswith("_grad") for op in self._program.global_block().ops)
        assert loss_name is not None or not has_gradients, (
            "the program has gradients: give the loss_name they start from"
        )
        self._is_data_parallel = True
        self._build_strategy = build_strategy or self._build_strategy
        self._exec_strategy = exec_strategy
        self._loss_name = loss_name
        self._share_vars_from = share_vars_from
        self._places = places if places is None or isinstance(places, list | tuple) else [places]
        return self

    def _with_inference_optimize(self, config: Any) -> CompiledProgram:
        assert not self._is_data_parallel, "a program is compiled for data parallelism or for inference, not both"
        self._is_inference = True
        return self


def _remove_feeds(program: Program) -> None:
    block = program.global_block()
    for index in reversed([index for index, op in enumerate(block.ops) if op.type == "feed"]):
        block._remove_op(index)


def _program_of(graph: Any) -> Program:
    return IrGraph(graph).to_program()
