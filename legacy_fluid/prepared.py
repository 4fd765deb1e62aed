"""Programs made ready to run again and again, for which a run costs little beside its operators.

`paddle.base` checks, looks up and wraps anew at each run what stays as it was; it puts an operator before each variable
that is fed and behind each that is fetched, frees every result as soon as it was used, in a thread of its own, and lets
threads compete for the operators, each of which would take all cores. For the few small operators of a softmax
regression all that is more than the computing. Here arrays are written into the variables and read from them, the
operators follow one another on the thread that asks for the run, and their results keep their memory for the next.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from threading import Lock
from typing import Any

import numpy as np
from paddle.base import core
from paddle.base.executor import _as_lodtensor, as_numpy, check_feed_shape_type
from paddle.base.framework import Program

from .subnormals import flushed

KEPT_BYTES = 64 * 2**20
"""What the results of a run may take, all together, to be kept for the next."""

ALONE_BYTES = 2**19
"""Up to what size of results one thread does the work sooner than it can be handed out to several."""

_FED, _FETCHED = "@FED", "@FETCHED"
_AT_THE_DOORS = ("feed", "fetch")  # in programs for inference, as they are saved and loaded
# An operator with this attribute infers no shapes of its results before it runs. Adam that writes over what it
# reads has them already, and a third of its time on a few numbers goes into that.
_KNOWS_SHAPES = "@ALL_KERNELS_MUST_COMPUTE_RUNTIME_SHAPE@"
_LOD_TENSOR = core.VarDesc.VarType.LOD_TENSOR


def can_be_prepared(program: Program, feed: Mapping[str, Any], fetched: Sequence[str], place: Any) -> bool:
    """Whether a lowered program is one that `Prepared` takes: a block of operators on the CPU, between tensors."""
    block = program.global_block().desc
    other_ways = (program._pipeline_opt, program._heter_pipeline_opt, program._pass_opt, program._graph)
    if not isinstance(place, core.CPUPlace) or program.num_blocks != 1 or any(other_ways) or not block.op_size():
        return False
    ops = _ops(block)
    in_other_layouts = {name for op in ops if _is_onednn(op) for name in op.output_arg_names()}
    return (
        not hasattr(program, "lr_scheduler")
        and all(op.output("Out")[0] in feed for op in ops if op.type() == "feed")
        and in_other_layouts.isdisjoint(fetched)
        and all(_is_tensor(block, name) for name in (*feed, *fetched))
    )


class Prepared:
    """A program, with what it is fed and what is fetched from it, ready to run in a scope.

    Args:
        program: one that `can_be_prepared`.
        feed: name -> array or LoDTensor, as in the first run, of so many `rows`.
        fetched: names of variables.
        scope: where the parameters are; kept alive as long as this is.
        place: CPUPlace.
    """

    def __init__(
        self, program: Program, feed: Mapping[str, Any], rows: int, fetched: Sequence[str], scope: Any, place: Any
    ) -> None:
        self._program = program
        self._rows = rows
        self._keeps = _bytes_of_results(program, self._rows) <= KEPT_BYTES
        twin = program.clone()
        block = twin.desc.block(0)
        for index in reversed(range(block.op_size())):
            if block.op(index).type() in _AT_THE_DOORS:
                block._remove_op(index, index + 1)
        for op in _ops(block):
            if op.type() == "adam" and {*op.output_arg_names()} <= {*op.input_arg_names()}:
                op._set_bool_attr(_KNOWS_SHAPES, True)
        where = core.Place()
        where.set_place(place)
        _hoist(twin, {*feed, *fetched}, scope, where)
        self._threads = _threads()
        is_in_line = self._keeps or self._threads > 1 or any(map(_is_onednn, _ops(block)))
        self._line = _on_this_thread if is_in_line else nullcontext()
        self._order = _in_order if is_in_line else nullcontext()  # for the first run, which settles it for all
        self._flushed = flushed()
        # Variables that persist are in the scope, where they can be reached; the others are in one of the executor's.
        inlets = {name: _persistent(block, name, _FED) for name in feed}
        outlets = {**inlets}  # the variable of one name, fed or fetched, once or twice
        for name in fetched:
            outlets[name] = outlets.get(name) or _persistent(block, name, _FETCHED)
        fed = {name: scope.find_var(actual) or scope.var(actual) for name, actual in inlets.items()}
        job = core.Job("default")
        if self._keeps:
            job.set_skip_gc_vars(_results(block))
        self._executor = core.StandaloneExecutor(where, core.Plan([job], {"default": twin.desc}), scope)
        self._is_for_one_thread: dict[int, bool] = {}  # by number of rows, so that it hangs on the batch alone
        self._scope = scope
        variables = program.global_block().vars
        self._inlets = [_Inlet(variables[name], variable.get_tensor(), place) for name, variable in fed.items()]
        self._where = where
        self._outlets = [
            (scope.find_var(actual) or scope.var(actual)).get_tensor() for actual in map(outlets.get, fetched)
        ]

    def takes(self, rows: int) -> bool:
        """Whether what was decided for the first batch holds for one of so many rows: its results may be kept, or not."""
        if rows > self._rows:
            if self._keeps and _bytes_of_results(self._program, rows) > KEPT_BYTES:
                return False
            self._rows = rows
        return True

    def run(self, feed: Mapping[str, Any], rows: int, return_numpy: bool = True) -> list[Any]:
        """Run once and return copies of what is fetched: arrays, or LoDTensors where `return_numpy` is False.

        Raises ValueError for a fed array that does not fit its variable, RuntimeError for an array with lengths.
        """
        for inlet in self._inlets:
            inlet.fill(feed[inlet.name])
        if self._threads > 1 and self._is_small(rows):
            core.set_num_threads(1)
            try:
                self._run()
            finally:
                core.set_num_threads(self._threads)
        else:
            self._run()
        if return_numpy:
            return [_array(tensor) for tensor in self._outlets]
        return [tensor._copy(self._where) for tensor in self._outlets]

    def _is_small(self, rows: int) -> bool:
        if rows not in self._is_for_one_thread:
            self._is_for_one_thread[rows] = _bytes_of_results(self._program, rows) <= ALONE_BYTES
        return self._is_for_one_thread[rows]

    def _run(self) -> None:
        with self._flushed, self._line, self._order:
            self._executor.run([], False)
        self._order = nullcontext()


def _array(tensor: Any) -> Any:
    if tensor.lod() or not tensor._is_initialized():
        return as_numpy(tensor)  # which refuses lengths
    return tensor.__array__().copy()  # NumPy, asked for the same, looks for all other ways first


class _Inlet:
    """A variable that is fed. It has memory of its own: what it is given is copied, and aligned as kernels like it."""

    def __init__(self, variable: Any, tensor: Any, place: Any) -> None:
        self.name = variable.name
        self._variable, self._tensor, self._place = variable, tensor, place
        self._accepted: tuple[Any, ...] = ()
        self._has_lengths = True

    def fill(self, value: Any) -> None:
        if type(value) is not np.ndarray:
            self._fill_from_tensor(value)
            return
        self._tensor.set(value, self._place)
        if self._has_lengths:
            self._tensor.set_lod([])
            self._has_lengths = False
        if self._accepted != (value.shape, value.dtype):
            check_feed_shape_type(self._variable, self._tensor)
            self._accepted = (value.shape, value.dtype)

    def _fill_from_tensor(self, value: Any) -> None:
        if not isinstance(value, core.LoDTensor):
            value = _as_lodtensor(value, self._place, self._variable.dtype)
        check_feed_shape_type(self._variable, value)
        self._tensor._copy_from(value, self._place)
        self._tensor.set_lod(value.lod())
        self._has_lengths, self._accepted = True, ()


def _persistent(block: Any, name: str, suffix: str) -> str:
    """Let a variable persist, under a name that the user's scope has no other variable of; return that name."""
    var = block.find_var(name.encode())
    if var.persistable():
        return name
    block._rename_var(name.encode(), f"{name}{suffix}".encode())
    block.find_var(f"{name}{suffix}".encode()).set_persistable(True)
    return f"{name}{suffix}"


def _hoist(program: Program, outside: Collection[str], scope: Any, where: Any) -> None:
    """Compute small constants of a program now, and for all its runs; none of them may be `outside`, fed or fetched."""
    block = program.desc.block(0)
    written = Counter(name for op in _ops(block) for name in op.output_arg_names())
    places = [place for place, op in enumerate(_ops(block)) if _is_constant(block, op, written, outside)]
    if not places:
        return
    for place in places:
        op = block.op(place)
        digest = hashlib.sha256(op.serialize_to_string()).hexdigest()[:16]  # another program's has another value
        _persistent(block, op.output("Out")[0], f"@CONSTANT_{digest}")
    once = core.ProgramDesc(program.desc)
    for index in reversed(range(block.op_size())):
        (block if index in places else once.block(0))._remove_op(index, index + 1)
    core.StandaloneExecutor(where, core.Plan([core.Job("default")], {"default": once}), scope).run([], False)


def _is_constant(block: Any, op: Any, written: Mapping[str, int], outside: Collection[str]) -> bool:
    if op.type() not in _CONSTANTS or op.input_arg_names() or math.prod(op.attr("shape")) > _MOST_NUMBERS:
        return False
    (name,) = op.output_arg_names()
    return written[name] == 1 and name not in outside and not block.find_var(name.encode()).persistable()


_CONSTANTS, _MOST_NUMBERS = ("fill_constant", "assign_value"), 4096


def _results(block: Any) -> set[str]:
    """Names of the tensors that may keep their memory; those of oneDNN keep a layout with it, and would be misread."""
    onednn = filter(_is_onednn, _ops(block))
    touched = {name for op in onednn for name in (*op.input_arg_names(), *op.output_arg_names())}
    return {
        var.name()
        for var in block.all_vars()
        if var.type() == _LOD_TENSOR and not var.persistable() and var.name() not in touched
    }


def _bytes_of_results(program: Program, rows: int) -> int:
    """What all variables that do not persist take in a run on `rows` rows."""
    variables = [var for var in program.global_block().vars.values() if var.type == _LOD_TENSOR and not var.persistable]
    return sum(_SIZE_OF_ELEMENT * math.prod(rows if size < 0 else size for size in var.shape) for var in variables)


_SIZE_OF_ELEMENT = 4  # nearly all are float32, and this is an estimate


def _threads() -> int:
    return int(os.environ.get("OMP_NUM_THREADS", "1"))  # Paddle sets it where it is not set


def _is_tensor(block: Any, name: str) -> bool:
    var = block.find_var(name.encode())
    return var is not None and var.type() == _LOD_TENSOR


def _ops(block: Any) -> list[Any]:
    return [block.op(index) for index in range(block.op_size())]


def _is_onednn(op: Any) -> bool:
    return op.has_attr("use_mkldnn") and op.attr("use_mkldnn")


class _Flag:
    """A flag of the core that is set within a `with`, as long as any thread is in one."""

    def __init__(self, name: str) -> None:
        self._name, self._flags, self._lock = name, core.globals(), Lock()
        self._count, self._before = 0, False

    def __enter__(self) -> None:
        with self._lock:
            if not self._count:
                self._before, self._flags[self._name] = self._flags[self._name], True
            self._count += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._count -= 1
            if not self._count:
                self._flags[self._name] = self._before


# Left to itself the core hands a run to one of two threads of its own, in turns. Each has a team of OpenMP threads, which
# goes on spinning when its work is done, on the cores that the other's turn needs.
_on_this_thread = _Flag("FLAGS_new_executor_serial_run")
_in_order = _Flag("FLAGS_new_executor_sequential_run")


@contextmanager
def in_line() -> Iterator[None]:
    """Let the operators of what is built and run within a `with` follow one another, on the thread that runs it."""
    with _on_this_thread, _in_order:
        yield
