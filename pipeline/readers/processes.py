"""The decorator that reads in processes."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import signal
import time
import traceback
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, NoReturn, TypeVar

from fluidline.signals import blocked
from pipeline.readers.lifetime import GRACE, Background
from pipeline.readers.threads import Channel, Crew

T = TypeVar("T")

# A forked child inherits the readers as they are, lambdas and closures included; any other start method would have to
# pickle them. What a child must not do is compute with paddle, whose threads do not come along: readers read.
_FORK = multiprocessing.get_context("fork")
_LOOK = 1.0  # seconds between looks at silent workers, for one that died while its own child holds the pipe open


def multiprocess_reader(
    readers: Sequence[Callable[[], Iterable[T]]], use_pipe: bool = True, queue_size: int = 1000
) -> Callable[[], Iterator[T]]:
    """Return a reader that runs each of `readers` in a process of its own and merges what they give.

    With `use_pipe` it takes a sample from each in turn, and a sample is what JSON makes of it (a tuple becomes a list),
    as in paddle; a sample that JSON cannot carry, an array say, comes through as it is. Otherwise it takes samples as
    they come, up to `queue_size` of them ahead, unchanged.

    Raises ValueError where there are no readers, or one gives None. While reading it raises what a reader raises, its
    traceback added as a note, and RuntimeError where a process dies.
    """
    if not readers:
        raise ValueError("multiprocess_reader needs at least one reader")

    def read() -> Iterator[T]:
        # The processes, last in the `with`, end first: only then does a thread that waits for them end.
        with Crew() as crew, Workers(readers, as_json=use_pipe) as workers:
            if use_pipe:
                yield from workers.in_turn()
            else:
                arrived: Channel[T] = crew.channel(queue_size)
                crew.start(_pass_on, workers, arrived, into=[arrived])
                yield from arrived

    return read


def _pass_on(workers: Workers, arrived: Channel[Any]) -> None:
    for sample in workers.as_they_come():
        arrived.put(sample)


class Workers(Background):
    """A process for each reader, and the pipe that it writes to."""

    def __init__(self, readers: Sequence[Callable[[], Iterable[Any]]], as_json: bool) -> None:
        super().__init__()
        self._workers: list[_Worker] = []
        try:
            for number, reader in enumerate(readers, start=1):
                self._workers.append(_Worker(f"{number} of {len(readers)}", reader, as_json))
        except BaseException:
            self.stop()  # the system refused one more process
            raise

    def in_turn(self) -> Iterator[Any]:
        """Yield a sample of each worker in turn, of those that have not ended."""
        reading = list(self._workers)
        while reading:
            for worker in list(reading):
                _wait_for_any([worker])
                if (sample := worker.take()) is _END:
                    reading.remove(worker)
                else:
                    yield sample

    def as_they_come(self) -> Iterator[Any]:
        """Yield samples in the order of their arrival."""
        reading = list(self._workers)
        while reading:
            for worker in _wait_for_any(reading):
                if (sample := worker.take()) is _END:
                    reading.remove(worker)
                else:
                    yield sample

    def _stop(self) -> None:
        for worker in self._workers:
            if not worker.ended:  # else it is on its way out
                worker.process.terminate()
        deadline = time.monotonic() + GRACE
        for worker in self._workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


_END = object()


class _Worker:
    def __init__(self, name: str, reader: Callable[[], Iterable[Any]], as_json: bool) -> None:
        self.name = name
        self.ended = False
        self.connection, theirs = _FORK.Pipe(duplex=False)
        _ends.add(self.connection)
        self.process = _FORK.Process(target=_work, args=(reader, theirs, as_json), name=f"reader {name}")
        with theirs, blocked(_SIGNALS):  # `theirs` is open in the worker alone from here on, whose death ends the pipe
            self.process.start()

    def take(self) -> Any:
        """Return the next sample, waiting for it, or _END. Raises what the reader raised."""
        if not self.process.is_alive() and not self.connection.poll():
            self._raise_dead()
        try:
            kind, content = self.connection.recv()
        except (EOFError, OSError):  # at the end of the pipe, or in the middle of a message
            self._raise_dead()
        if kind == "sample":
            return content
        self.ended = True
        if kind == "end":
            return _END
        pickled, report = content
        error = pickle.loads(pickled)
        error.add_note(f"\nIn the process of reader {self.name}:\n{report}")
        raise error

    def _raise_dead(self) -> NoReturn:
        self.process.join(GRACE)
        code = self.process.exitcode
        how = f"was killed by {signal.Signals(-code).name}" if code is not None and code < 0 else f"exited with {code}"
        hint = " (by the system, most often because memory ran out)" if code == -signal.SIGKILL else ""
        raise RuntimeError(f"the process of reader {self.name} {how}{hint} before its reader ended")


def _wait_for_any(workers: Sequence[_Worker]) -> list[_Worker]:
    """Wait until workers have something to say, or are dead, and return those."""
    while True:
        ready = wait([worker.connection for worker in workers], timeout=_LOOK)
        found = [worker for worker in workers if worker.connection in ready]
        found = found or [worker for worker in workers if not worker.process.is_alive()]
        if found:
            return found


# The ends of pipes that this process reads and writes. A forked process closes its copies: were they left open, the
# death of whoever is at the other end would go unnoticed.
_ends: weakref.WeakSet[Connection] = weakref.WeakSet()


def _close_copies() -> None:
    for end in list(_ends):
        end.close()
    _ends.clear()


os.register_at_fork(after_in_child=_close_copies)


# What ends a process by an exception, which a fork that is not through yet would print.
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Terminated(BaseException):
    """The parent has stopped this worker: unwind, so that what the reader opened is closed."""


def _work(reader: Callable[[], Iterable[Any]], connection: Connection, as_json: bool) -> None:
    """Write the samples of `reader`, then its end or its error, to `connection`: what a worker process does."""
    _ends.add(connection)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer, by stopping us
    signal.signal(signal.SIGTERM, _unwind)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        for sample in reader():
            if sample is None:
                raise ValueError("a reader gave None, which multiprocess_reader takes for no sample (leave it out)")
            connection.send(("sample", _through_json(sample) if as_json else sample))
        connection.send(("end", None))
    except _Terminated:
        pass
    except BaseException as error:
        with suppress(OSError, _Terminated):  # a broken pipe: nobody listens
            connection.send(("error", (_pickled(error), "".join(traceback.format_exception(error)))))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _unwind(*_: object) -> NoReturn:
    raise _Terminated


def _through_json(sample: Any) -> Any:
    try:
        return json.loads(json.dumps(sample))
    except TypeError:
        return sample


def _pickled(error: BaseException) -> bytes:
    """Return `error` pickled; one that does not come through that becomes a RuntimeError with its name and message."""
    try:
        content = pickle.dumps(error)
        pickle.loads(content)
    except Exception:
        return pickle.dumps(RuntimeError(f"{type(error).__qualname__}: {error}"))
    return content
