"""The threads and processes of readers: that they end when nobody reads, and that what fails in them is heard of."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import count, islice
from pathlib import Path

import numpy as np
import pytest
from processes import have_ended, wait_for

from pipeline import readers as R  # noqa: N812

ROOT = Path(__file__).parents[2]

# Python 3.12 warns of every fork beside threads; ours are meant (see pipeline/readers/processes.py).
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")


def numbers(n=10):
    return lambda: iter(range(n))


def failing(after, error):
    def read():
        yield from range(after)
        raise error

    return read


@pytest.fixture(autouse=True)
def _nothing_is_left():
    """Every test here ends with the threads and processes that it began with."""
    threads = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= threads
    assert multiprocessing.active_children() == []


# Ends: the fixture above checks that no thread or process outlives its test.

ENDLESS = {
    "buffered": lambda read: R.buffered(read, 3),
    "xmap": lambda read: R.xmap_readers(abs, read, 3, 2),
    "xmap ordered": lambda read: R.xmap_readers(abs, read, 3, 2, order=True),
    "pipe": lambda read: R.multiprocess_reader([read, read]),
    "queue": lambda read: R.multiprocess_reader([read, read], use_pipe=False, queue_size=3),
    "nested": lambda read: R.batch(R.buffered(R.multiprocess_reader([R.buffered(read, 2)]), 3), 2),
    "processes in processes": lambda read: R.multiprocess_reader([R.multiprocess_reader([read, read])]),
}


@pytest.mark.parametrize("decorate", ENDLESS.values(), ids=ENDLESS)
def test_a_consumer_that_stops_early_ends_threads_and_processes(decorate):
    samples = decorate(count)()
    assert len(list(islice(samples, 5))) == 5
    samples.close()


@pytest.mark.parametrize("decorate", ENDLESS.values(), ids=ENDLESS)
def test_a_consumer_that_is_collected_ends_threads_and_processes(decorate):
    samples = decorate(count)()
    assert len(list(islice(samples, 5))) == 5
    circle = [samples]
    circle.append(circle)
    del samples, circle
    gc.collect()


@pytest.mark.parametrize("decorate", ENDLESS.values(), ids=ENDLESS)
def test_a_forked_copy_of_a_consumer_does_not_end_its_parents_workers(decorate):
    samples = decorate(count)()
    next(samples)
    child = os.fork()
    if not child:
        samples.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert len(list(islice(samples, 500))) == 500
    samples.close()


def test_a_consumer_that_stops_early_closes_what_its_reader_opened(tmp_path):
    def read(name):
        try:
            yield from count()
        finally:
            (tmp_path / name).touch()

    for name, decorate in ENDLESS.items():
        samples = decorate(lambda name=name: read(name))()
        next(samples)
        samples.close()
    assert {path.name for path in tmp_path.iterdir()} == set(ENDLESS)


def test_a_reader_that_ignores_its_end_is_killed():
    def read():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        yield 1
        while True:
            time.sleep(60)

    samples = R.multiprocess_reader([read])()
    assert next(samples) == 1
    samples.close()


LEFT_OPEN = """
import itertools, sys
from pipeline import readers as R
kept = [R.buffered(itertools.count, 2)(), R.xmap_readers(abs, itertools.count, 2, 2, order=True)(),
        R.multiprocess_reader([itertools.count])(), R.multiprocess_reader([itertools.count], use_pipe=False)()]
print(*[next(samples) for samples in kept])
"""


def run(script, **kwargs):
    return subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, **kwargs
    )


def test_the_interpreter_exits_in_silence_while_readers_are_open():
    done = run(LEFT_OPEN)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0 0 0 0\n", "")


def test_an_error_of_the_consumer_ends_its_readers_too():
    done = run(LEFT_OPEN + "raise SystemExit(3)")
    assert (done.returncode, done.stderr) == (3, "")


# The second worker is a second late: in the middle of its fork when Ctrl-C comes.
LATE = """
import os, time
forks = []
os.register_at_fork(before=lambda: forks.append(1), after_in_child=lambda: time.sleep(len(forks) - 1))
"""


@pytest.mark.parametrize("delay", ["", LATE], ids=["at work", "being forked"])
def test_ctrl_c_ends_consumer_and_workers_without_words_from_the_workers(delay):
    script = """
import itertools, os, signal, time
from pipeline import readers as R
samples = R.multiprocess_reader([itertools.count, itertools.count])()
next(samples)
try:
    os.killpg(0, signal.SIGINT)
    time.sleep(30)
except KeyboardInterrupt:
    samples.close()
    print("interrupted")
"""
    done = run(delay + script, start_new_session=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


def test_workers_end_when_their_consumer_is_killed():
    script = """
import os, itertools, multiprocessing, signal
from pipeline import readers as R
kept = [R.multiprocess_reader([itertools.count, itertools.count])(), R.multiprocess_reader([itertools.count])()]
[next(samples) for samples in kept]
print(*[child.pid for child in multiprocessing.active_children()], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = run(script)  # it returns when the last worker has closed its copy of stdout
    assert done.returncode == -signal.SIGKILL
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 3
    wait_for(lambda: have_ended(pids), 30)


# Failures.

FAILING = {
    "buffered": lambda read: R.buffered(read, 2),
    "xmap": lambda read: R.xmap_readers(abs, read, 3, 2),
    "xmap ordered": lambda read: R.xmap_readers(abs, read, 3, 2, order=True),
    "pipe": lambda read: R.multiprocess_reader([read]),
    "queue": lambda read: R.multiprocess_reader([read], use_pipe=False),
    "nested": lambda read: R.buffered(R.multiprocess_reader([R.buffered(read, 2)]), 2),
}


@pytest.mark.parametrize("decorate", FAILING.values(), ids=FAILING)
def test_an_error_of_a_reader_is_raised_in_the_consumer_after_the_samples_before_it(decorate):
    got = []
    with pytest.raises(KeyError, match="no such image"):  # noqa: PT012
        for sample in decorate(failing(7, KeyError("no such image")))():
            got.append(sample)
    assert sorted(got) == list(range(7))


@pytest.mark.parametrize("order", [False, True])
def test_an_error_of_a_mapper_is_raised_in_the_consumer(order):
    with pytest.raises(ZeroDivisionError):
        list(R.xmap_readers(lambda i: 1 / (3 - i), numbers(), 2, 2, order)())


def test_a_thread_keeps_the_traceback_of_its_error():
    with pytest.raises(KeyError) as caught:
        list(R.buffered(failing(1, KeyError("x")), 2)())
    assert "raise error" in str(caught.traceback[-1].statement)
    assert Path(caught.traceback[-1].path) == Path(__file__)


def test_a_process_sends_the_traceback_of_its_error_as_a_note():
    with pytest.raises(KeyError) as caught:
        list(R.multiprocess_reader([numbers(3), failing(1, KeyError("x"))])())
    note = "\n".join(caught.value.__notes__)
    assert "reader 2 of 2" in note
    assert f'File "{__file__}"' in note
    assert "raise error" in note


def test_an_error_that_cannot_be_sent_arrives_by_name_and_message():
    class LocalError(Exception):
        pass

    with pytest.raises(RuntimeError, match="LocalError: too local"):
        list(R.multiprocess_reader([failing(0, LocalError("too local"))])())


def test_a_sample_that_cannot_be_sent_is_an_error():
    with pytest.raises((AttributeError, TypeError), match=r"(?i)pickle"):
        list(R.multiprocess_reader([lambda: [threading.Lock()]], use_pipe=False)())


def test_a_process_reader_that_gives_none_is_an_error():
    with pytest.raises(ValueError, match="gave None"):
        list(R.multiprocess_reader([lambda: [1, None]])())


def test_no_readers_at_all_are_an_error():
    with pytest.raises(ValueError, match="at least one reader"):
        R.multiprocess_reader([])


def killed(number):
    def read():
        yield 1
        os.kill(os.getpid(), number)

    return read


@pytest.mark.parametrize("use_pipe", [True, False])
@pytest.mark.parametrize(
    ("reader", "words"),
    [
        (killed(signal.SIGKILL), "reader 1 of 2 was killed by SIGKILL .*memory"),
        (lambda: iter(lambda: os._exit(5), 0), "reader 1 of 2 exited with 5 before its reader ended"),
    ],
    ids=["killed", "exited"],
)
def test_a_process_that_dies_is_an_error_and_not_a_wait(reader, words, use_pipe):
    with pytest.raises(RuntimeError, match=words):
        list(R.multiprocess_reader([reader, numbers(3)], use_pipe)())


def test_a_process_that_dies_while_its_own_child_lives_is_an_error():
    def read():
        inner = R.multiprocess_reader([count])()
        yield next(inner)
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(RuntimeError, match="killed by SIGKILL"):
        list(R.multiprocess_reader([read])())


def test_a_process_that_dies_in_the_middle_of_a_sample_is_an_error():
    def read():
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGKILL)).start()
        yield np.zeros(10_000_000, np.uint8)  # far more than a pipe holds, so that the writer is still writing

    samples = R.multiprocess_reader([numbers(1), read])()
    assert next(samples) == 0
    time.sleep(0.4)
    with pytest.raises(RuntimeError, match="killed by SIGKILL"):
        next(samples)
