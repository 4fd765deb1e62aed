"""The decorators that read or map in threads."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from pipeline.readers.lifetime import GRACE, Background

T = TypeVar("T")
R = TypeVar("R")


def buffered(reader: Callable[[], Iterable[T]], size: int) -> Callable[[], Generator[T, None, None]]:
    """Return a reader that a thread reads ahead, up to `size` samples (without limit if not positive)."""

    def read() -> Generator[T, None, None]:
        samples = reader()
        with Crew() as crew:
            ready: Channel[T] = crew.channel(size)
            crew.start(_pass_on, samples, ready, into=[ready])
            del samples  # the thread has the only reference: when it ends, so does what it reads
            yield from ready

    return read


def xmap_readers(
    mapper: Callable[[T], R],
    reader: Callable[[], Iterable[T]],
    process_num: int,
    buffer_size: int,
    order: bool = False,
) -> Callable[[], Iterator[R]]:
    """Return a reader of `mapper(sample)`, mapped by `process_num` threads, in the reader's order or as they are ready.

    Up to `buffer_size` samples wait to be mapped and as many mapped ones to be taken (without limit if not positive).
    Raises ValueError where `process_num` is not positive.
    """
    if process_num < 1:
        raise ValueError(f"process_num must be at least 1, not {process_num}")

    def read() -> Iterator[R]:
        with Crew() as crew:
            tasks: Channel[tuple[Future[R], T]] = crew.channel(buffer_size)
            results: Channel[Future[R]] = crew.channel(buffer_size)
            # A result takes its place among the results when its sample is read, or else when it is mapped.
            when_read, when_mapped = ([results], []) if order else ([], [results])
            for _ in range(process_num):
                crew.start(_map_tasks, mapper, tasks, when_mapped, into=when_mapped)
            crew.start(_set_tasks, reader, tasks, when_read, into=[tasks, *when_read])
            for result in results:
                yield result.result()

    return read


def _pass_on(samples: Iterable[T], ready: Channel[T]) -> None:
    for sample in samples:
        ready.put(sample)


def _set_tasks(
    reader: Callable[[], Iterable[T]], tasks: Channel[tuple[Future[R], T]], results: Sequence[Channel[Future[R]]]
) -> None:
    for sample in reader():
        result: Future[R] = Future()
        for channel in results:
            channel.put(result)
        tasks.put((result, sample))


def _map_tasks(
    mapper: Callable[[T], R], tasks: Channel[tuple[Future[R], T]], results: Sequence[Channel[Future[R]]]
) -> None:
    for result, sample in tasks:
        try:
            result.set_result(mapper(sample))
        except BaseException as error:
            result.set_exception(error)
        for channel in results:
            channel.put(result)


class Stopped(Exception):  # noqa: N818  it is no error
    """Nobody takes from this channel any more."""


class Channel(Generic[T]):
    """A queue between threads that either side can leave: `for item in channel` ends when all who put have left.

    What they left with an error is raised there, after the last item.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[T] = deque()
        self._producers = 0
        self._ended = False
        self._error: BaseException | None = None
        lock = threading.RLock()  # the garbage collector may close a consumer, and so stop us, in the middle of a put
        self._filled = threading.Condition(lock)
        self._freed = threading.Condition(lock)

    def join(self) -> None:
        """Count one more thread that puts; call it before any of them can leave."""
        with self._filled:
            self._producers += 1

    def leave(self, error: BaseException | None) -> None:
        """Count one thread less; the last one ends the channel."""
        with self._filled:
            self._producers -= 1
            self._error = error if self._error is None else self._error
            if not self._producers:
                self._end()

    def put(self, item: T) -> None:
        """Add an item, waiting for room. Raises Stopped where nobody will take it."""
        with self._freed:
            while 0 < self._size <= len(self._items) and not self._ended:
                self._freed.wait()
            if self._ended:
                raise Stopped
            self._items.append(item)
            self._filled.notify()

    def stop(self) -> None:
        """Take nothing more: drop the items, and wake all who wait."""
        with self._filled:
            self._items.clear()
            self._end()

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._filled:
                while not self._items and not self._ended:
                    self._filled.wait()
                if not self._items:
                    break
                item = self._items.popleft()
                self._freed.notify()
            yield item
            del item  # not kept while waiting for the next
        error, self._error = self._error, None
        if error is not None:
            try:
                raise error
            finally:
                del error  # its traceback holds this frame: a circle would keep all that the frames hold alive

    def _end(self) -> None:
        self._ended = True
        self._filled.notify_all()
        self._freed.notify_all()


class Crew(Background):
    """Threads and the channels between them."""

    def __init__(self) -> None:
        super().__init__()
        self._threads: list[threading.Thread] = []
        self._channels: list[Channel[Any]] = []

    def channel(self, size: int) -> Channel[Any]:
        """Return a new channel for up to `size` items, without limit if not positive."""
        self._channels.append(Channel(size))
        return self._channels[-1]

    def start(self, target: Callable[..., None], *args: Any, into: Sequence[Channel[Any]]) -> None:
        """Start a thread that runs `target(*args)`, which puts `into` these channels, and leaves them when it ends."""
        for channel in into:
            channel.join()

        def run() -> None:
            failure = None
            try:
                target(*args)
            except Stopped:
                pass
            except BaseException as error:
                failure = error
            for channel in into:
                channel.leave(failure)
            del failure  # see Channel.__iter__

        # A daemon: a reader that blocks for ever must not keep the interpreter from its exit.
        thread = threading.Thread(target=run, name=f"reader:{target.__name__}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _stop(self) -> None:
        for channel in self._channels:
            channel.stop()
        deadline = time.monotonic() + GRACE
        for thread in self._threads:
            if thread is not threading.current_thread():  # the garbage collector runs in whichever thread it likes
                thread.join(max(0.0, deadline - time.monotonic()))
