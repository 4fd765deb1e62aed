"""A training in a process of its own, whose events come to the handlers here.

oneDNN never lets go of what it made ready for an executor. In one process each training would take more memory than the
one before, and after about ten the kernels would be others (legacy_fluid.passes.MOST_WAYS): slower, and with other last
digits than those of a lone training.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from fluidline.errors import FluidlineError
from pipeline.config import TrainConfig
from pipeline.events import Event, Handler
from pipeline.signals import StopSignal
from pipeline.train import train

_ROOT = Path(__file__).parents[2]  # where `pipeline` is found
_GRACE = 10.0  # seconds that a process which has said its last gets to end


def train_apart(config: TrainConfig, handlers: Sequence[Handler], *, resume: bool) -> None:
    """Train as `pipeline.train.train` does, in another process, which waits while the handlers are given an event.

    Raises what that raises, KeyboardInterrupt after a Ctrl-C or SIGTERM here too, and FluidlineError where it dies.
    """
    ours, theirs = Pipe()
    with ours, _process(config, resume, theirs) as process, StopSignal(then=process.terminate) as stop:
        while True:
            try:
                message = ours.recv()
            except (EOFError, ConnectionResetError):
                if stop.requested:  # before it could hold the signal back
                    raise KeyboardInterrupt from None
                raise FluidlineError(
                    f"the process of {config.run} died, exit status {process.wait()} (its last checkpoint stands)"
                ) from None
            match message:
                case None:
                    return
                case BaseException():
                    raise message
                case logging.LogRecord():
                    if (logger := logging.getLogger(message.name)).isEnabledFor(message.levelno):
                        logger.handle(message)
                case event:
                    for handler in handlers:
                        handler(event)
                    with suppress(OSError):  # it has died, as is found out at once
                        ours.send(None)


@contextmanager
def _process(config: TrainConfig, resume: bool, theirs: Connection) -> Iterator[subprocess.Popen[bytes]]:
    """Start a training, and see to the end of its process on leaving."""
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    with theirs:
        process = subprocess.Popen(
            [
                *[sys.executable, "-P", "-c", "from pipeline.sweep.apart import main; main()"],
                *[str(theirs.fileno()), json.dumps(config.as_dict()), json.dumps(resume)],
            ],
            stdout=2,  # what it prints is not the sweep's result
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": path},
            process_group=0,  # a terminal's Ctrl-C comes to us alone, and we pass it on
        )
    try:
        yield process
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
    finally:
        process.kill()
        process.wait()


def main() -> None:
    """Train as the arguments say, and send what happens; each event waits for its answer, so that it is handled in time."""
    number, options, resume = sys.argv[1:]
    with Connection(int(number)) as connection:

        def send(event: Event) -> None:
            connection.send(event)
            connection.recv()

        _send_logs(connection)
        last: BaseException | None = None
        try:
            train(TrainConfig(**json.loads(options)), [send], resume=json.loads(resume))
        except BaseException as error:
            last = _portable(error)
        with suppress(OSError):  # the sweep has died, and nobody wants to know
            connection.send(last)


def _send_logs(connection: Connection) -> None:
    class Sender(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            record.msg, record.args, record.exc_info = self.format(record), None, None  # what can be pickled
            connection.send(record)

    logging.getLogger().addHandler(Sender())
    for package in ("fluidline", "pipeline"):
        logging.getLogger(package).setLevel(logging.INFO)


def _portable(error: BaseException) -> BaseException:
    """Return an error as it can be raised in another process, with its traceback as a note unless it is a user's."""
    if not isinstance(error, (FluidlineError, KeyboardInterrupt)):
        error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
