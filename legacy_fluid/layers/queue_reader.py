"""Readers in the program, fed by a thread through a queue: py_reader and what reads from it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any

from .. import core, unique_name
from ..data_feeder import DataFeeder
from ..executor import global_scope
from ..framework import (
    Program,
    convert_np_dtype_to_dtype_,
    default_main_program,
    default_startup_program,
    program_guard,
)
from ..layer_helper import LayerHelper

__all__ = ["create_py_reader_by_data", "double_buffer", "py_reader", "read_file"]

_log = logging.getLogger(__name__)


def py_reader(
    capacity: int,
    shapes: Any,
    dtypes: Any,
    lod_levels: Any = None,
    name: str | None = None,
    use_double_buffer: bool = True,
) -> Any:
    """Return a reader that Python fills, with `decorate_paddle_reader`, `start` and `reset`; `read_file` reads from it.

    Args:
        capacity: batches in the queue.
        shapes, dtypes, lod_levels: of each variable of a batch.
        use_double_buffer: copy the next batch to the device while one is used.

    Raises (the program that reads, when the data is at its end):
        core.EOFException
    """
    types = [convert_np_dtype_to_dtype_(dtype) for dtype in dtypes]
    levels = lod_levels or [0] * len(shapes)
    return _queue_reader(capacity, [list(shape) for shape in shapes], types, levels, None, name, use_double_buffer)


def create_py_reader_by_data(
    capacity: int, feed_list: list[Any], name: str | None = None, use_double_buffer: bool = True
) -> Any:
    """Return a `py_reader` for batches of the variables that `layers.data` declared.

    Raises:
        TypeError: `feed_list` is no list.
    """
    if not isinstance(feed_list, list):
        raise TypeError(f"feed_list is a list of Variables, not {type(feed_list)}")
    shapes = [list(var.shape) for var in feed_list]
    types = [var.dtype for var in feed_list]
    levels = [var.lod_level for var in feed_list]
    return _queue_reader(capacity, shapes, types, levels, feed_list, name, use_double_buffer)


def _queue_reader(
    capacity: int,
    shapes: list[list[int]],
    dtypes: list[Any],
    lod_levels: list[int],
    feed_list: list[Any] | None,
    name: str | None,
    use_double_buffer: bool,
) -> Any:
    names = [
        f"{name}_{part}" if name else unique_name.generate(stem)
        for part, stem in (
            ("queue", "lod_tensor_blocking_queue"),
            ("reader", "create_py_reader"),
            ("double_buffer", "double_buffer"),
        )
    ]
    queue = core.init_lod_tensor_blocking_queue(global_scope().var(names[0]), capacity, False)
    startup_var = default_startup_program().current_block().create_var(name=names[1])
    default_startup_program().current_block().append_op(
        type="create_py_reader",
        inputs={"blocking_queue": [names[0]]},
        outputs={"Out": [startup_var]},
        attrs={
            "shape_concat": [size for shape in shapes for size in shape],
            "lod_levels": lod_levels,
            "dtypes": [int(dtype) for dtype in dtypes],
            "need_check_feed": [int(var.desc.need_check_feed()) for var in feed_list]
            if feed_list
            else [0] * len(dtypes),
            "ranks": [len(shape) for shape in shapes],
        },
    )
    startup_var.desc.set_dtypes(dtypes)
    startup_var.persistable = True
    reader = _with_reset(_copy_into(default_main_program().current_block(), startup_var))
    reset = reader.reset
    if use_double_buffer:
        reader = double_buffer(reader, name=names[2])
    feeder = _Feeder(queue, reset, feed_list, list(zip(shapes, dtypes, lod_levels, strict=True)))
    reader.queue = queue
    reader.start = feeder.start
    reader.reset = feeder.reset
    reader.decorate_tensor_provider = reader.decorate_batch_generator = feeder.take_batches
    reader.decorate_paddle_reader = reader.decorate_sample_list_generator = feeder.take_samples
    return reader


def _copy_into(block: Any, var: Any) -> Any:
    copy = block.create_var(name=var.name, type=core.VarDesc.VarType.READER)
    copy.desc.set_shapes(var.desc.shapes())
    copy.desc.set_dtypes(var.desc.dtypes())
    copy.desc.set_lod_levels(var.desc.lod_levels())
    copy.persistable = True
    return copy


def _with_reset(reader: Any) -> Any:
    reader.reset = lambda: global_scope().find_var(reader.name).get_reader().reset()
    reader.stop_gradient = True
    reader.persistable = True
    return reader


class _Feeder:
    """Pushes batches into a queue from a thread of its own, from `start` until the data ends or `reset`."""

    def __init__(
        self, queue: Any, reset: Callable[[], None], feed_list: Any, slots: list[tuple[Any, Any, int]]
    ) -> None:
        self._queue = queue
        self._reset_reader = reset
        self._feed_list = feed_list
        self._slots = slots
        self._provider: Callable[[], Iterable[Any]] | None = None
        self._thread: threading.Thread | None = None
        self._stopped = False

    def take_batches(self, provider: Callable[[], Iterable[Any]]) -> None:
        """Take a function that returns an iterator of batches, each an array or LoDTensor a variable."""
        self._provider = provider

    def take_samples(self, paddle_reader: Callable[[], Iterable[Any]]) -> None:
        """Take a reader of lists of samples, as `paddle.batch` returns it."""
        with program_guard(Program(), Program()):
            variables = self._feed_list or [
                default_main_program()
                .global_block()
                .create_var(
                    name=str(index),
                    shape=[-1 if size is None else size for size in shape],
                    dtype=dtype,
                    lod_level=level,
                )
                for index, (shape, dtype, level) in enumerate(self._slots)
            ]
            feeder = DataFeeder(feed_list=variables, place=core.CPUPlace())
        names = [var.name for var in variables]

        def provide() -> Iterable[Any]:
            for samples in paddle_reader():
                batch = feeder.feed(samples)
                yield [batch[name] for name in names]

        self._provider = provide

    def start(self) -> None:
        self._thread = threading.Thread(target=self._push_all, daemon=True)
        self._thread.start()

    def reset(self) -> None:
        self._stopped = True
        self._reset_reader()
        if self._thread is not None:
            self._thread.join()
        self._stopped = False

    def _push_all(self) -> None:
        try:
            for batch in self._provider():  # type: ignore[misc]
                array = core.LoDTensorArray()
                for value in batch:
                    array.append(value if isinstance(value, core.LoDTensor) else _tensor_of(value))
                if self._stopped or not self._queue.push(array):
                    break
            self._queue.close()
        except Exception:
            self._queue.kill()
            _log.exception("the reader that feeds a py_reader failed")


def _tensor_of(value: Any) -> Any:
    tensor = core.LoDTensor()
    tensor.set(value, core.CPUPlace())
    return tensor


def double_buffer(reader: Any, place: Any = None, name: str | None = None) -> Any:
    """Return a reader that fetches the next batch to `place` while one is used."""
    block = default_main_program().current_block()
    buffered = block.create_var(name=name or unique_name.generate("create_double_buffer_reader"))
    block.append_op(
        type="create_double_buffer_reader",
        inputs={"UnderlyingReader": reader},
        outputs={"Out": [buffered]},
        attrs={} if place is None else {"place": str(place).upper()},
    )
    return _with_reset(buffered)


def read_file(reader: Any) -> Any:
    """Return the variables of a reader's next batch; a list where they are several."""
    helper = LayerHelper("read_file")
    out = [helper.create_variable_for_type_inference(stop_gradient=True, dtype="float32") for _ in reader.desc.shapes()]
    helper.append_op(type="read", inputs={"Reader": [reader]}, outputs={"Out": out})
    return out[0] if len(out) == 1 else out
