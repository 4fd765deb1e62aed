"""The reader decorators: paddle.reader's semantics, and how their threads and processes end and fail."""

import gc
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from itertools import count, islice
from pathlib import Path

import numpy as np
import pytest

from pipeline import readers as R  # noqa: N812

ROOT = Path(__file__).parents[2]

# Python 3.12 warns of every fork beside threads; ours are meant (see pipeline/readers/processes.py).
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")


def numbers(n=10):
    return lambda: iter(range(n))


def pairs(n):
    return lambda: iter([(i, -i) for i in range(n)])


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


# What paddle gives: the expected values are those of genuine paddle 1.8.5.


@pytest.mark.parametrize(
    ("drop_last", "expected"), [(False, [[0, 1, 2], [3, 4, 5], [6, 7]]), (True, [[0, 1, 2], [3, 4, 5]])]
)
def test_batch_keeps_or_drops_a_last_batch_that_is_short(drop_last, expected):
    assert list(R.batch(numbers(8), 3, drop_last)()) == expected


def test_batch_keeps_a_last_batch_that_is_full_when_dropping():
    assert list(R.batch(numbers(6), 3, drop_last=True)()) == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("size", [0, -3])
def test_batch_refuses_a_size_that_is_not_positive_before_reading(size):
    with pytest.raises(ValueError, match=f"batch_size .* not {size}"):
        R.batch(numbers(), size)


@pytest.mark.parametrize(
    ("buf_size", "expected"),
    [
        (1, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        (8, [0, 5, 7, 2, 1, 6, 4, 3, 9, 11, 10, 8]),
        (100, [1, 7, 10, 0, 6, 11, 4, 5, 2, 8, 9, 3]),
    ],
)
def test_shuffle_without_a_seed_gives_paddles_order_for_the_global_random_state(buf_size, expected):
    random.seed(3)
    assert list(R.shuffle(numbers(12), buf_size)()) == expected


def test_map_readers_ends_with_the_shortest_reader():
    assert list(R.map_readers(lambda a, b: a + 10 * b, numbers(3), numbers(5))()) == [0, 11, 22]


def test_chain_reads_one_reader_after_the_other():
    assert list(R.chain(numbers(2), pairs(2), numbers(0), numbers(1))()) == [0, 1, (0, 0), (1, -1), 0]


def test_compose_flattens_tuples_and_nothing_else():
    reader = R.compose(numbers(2), pairs(2), lambda: [[7, 8], "ab"])
    assert list(reader()) == [(0, 0, 0, [7, 8]), (1, 1, -1, "ab")]


def test_compose_gives_what_is_aligned_before_it_raises():
    reader = R.compose(numbers(2), numbers(3))()
    assert [next(reader), next(reader)] == [(0, 0), (1, 1)]
    with pytest.raises(R.ComposeNotAligned, match=r"those at \[0\] ended before"):
        next(reader)
    assert issubclass(R.ComposeNotAligned, ValueError)


def test_compose_without_the_check_ends_with_the_shortest_reader():
    assert list(R.compose(numbers(2), pairs(5), check_alignment=False)()) == [(0, 0, 0), (1, 1, -1)]


@pytest.mark.parametrize(("n", "expected"), [(0, []), (2, [0, 1]), (9, [0, 1, 2])])
def test_firstn_gives_at_most_n_samples(n, expected):
    assert list(R.firstn(numbers(3), n)()) == expected


def test_firstn_draws_one_sample_more_as_paddle_does():
    endless = count()
    reader = R.firstn(lambda: endless, 3)
    assert [list(reader()), list(reader())] == [[0, 1, 2], [4, 5, 6]]


def test_cache_reads_its_reader_once_and_at_once():
    calls = []

    def read():
        calls.append(1)
        yield from range(3)

    reader = R.cache(read)
    assert calls == [1]
    assert [list(reader()), list(reader()), calls] == [[0, 1, 2], [0, 1, 2], [1]]


@pytest.mark.parametrize("size", [0, 1, 3, 100])
def test_buffered_changes_nothing_but_the_moment_of_reading(size):
    reader = R.buffered(numbers(20), size)
    assert [list(reader()), list(reader())] == [list(range(20))] * 2


def test_buffered_reads_ahead_by_its_size_and_no_further():
    given = []
    gone_on = threading.Semaphore(0)

    def read():
        for i in range(100):
            given.append(i)
            gone_on.release()
            yield i

    samples = R.buffered(read, 4)()
    next(samples)
    for _ in range(6):  # the one taken, four in the buffer, one in the thread's hand
        assert gone_on.acquire(timeout=30)
    assert not gone_on.acquire(timeout=0.05)
    assert given == [0, 1, 2, 3, 4, 5]
    samples.close()


@pytest.mark.parametrize("buffer_size", [0, 1, 50])
@pytest.mark.parametrize("threads", [1, 4])
def test_xmap_gives_every_sample_mapped_and_in_order_when_asked(threads, buffer_size):
    squares = [i * i for i in range(100)]
    ordered = R.xmap_readers(lambda i: i * i, numbers(100), threads, buffer_size, order=True)
    unordered = R.xmap_readers(lambda i: i * i, numbers(100), threads, buffer_size)
    assert list(ordered()) == squares
    assert sorted(unordered()) == squares


def test_xmap_gives_a_quick_sample_before_a_slow_one_unless_it_keeps_the_order():
    first_is_out = threading.Event()

    def slow_zero(i):
        if i == 0:
            assert first_is_out.wait(timeout=30)
        return i

    samples = R.xmap_readers(slow_zero, numbers(2), 2, 2)()
    assert next(samples) == 1
    first_is_out.set()
    assert list(samples) == [0]


def test_xmap_refuses_to_map_without_threads():
    with pytest.raises(ValueError, match="process_num must be at least 1, not 0"):
        R.xmap_readers(abs, numbers(), 0, 1)


def test_multiprocess_reader_takes_turns_over_pipes():
    reader = R.multiprocess_reader([numbers(4), numbers(7), numbers(2)])
    assert list(reader()) == [0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6]


def test_multiprocess_reader_over_a_queue_gives_every_sample():
    reader = R.multiprocess_reader([pairs(3), pairs(5)], use_pipe=False, queue_size=2)
    assert sorted(reader()) == [(i, -i) for i in [0, 0, 1, 1, 2, 2, 3, 4]]


def test_a_pipe_makes_of_a_sample_what_json_makes_of_it_and_leaves_an_array_alone():
    image = np.arange(3, dtype=np.float32)
    plain, with_array = R.multiprocess_reader([lambda: [([1.5], {2: (3,)}), (image, 7)]])()
    assert plain == [[1.5], {"2": [3]}]
    assert isinstance(with_array, tuple)
    np.testing.assert_array_equal(with_array[0], image)


def test_decorators_read_nothing_before_they_are_iterated():
    def read():
        raise AssertionError("read too early")

    for reader in [
        R.batch(read, 2),
        R.shuffle(read, 2),
        R.shuffle(read, 2, seed=1),
        R.map_readers(abs, read),
        R.chain(read),
        R.compose(read),
        R.firstn(read, 2),
        R.buffered(read, 2),
        R.xmap_readers(abs, read, 2, 2),
        R.multiprocess_reader([read]),
    ]:
        reader()


# Seeds and epochs.


def test_a_seeded_shuffle_differs_between_epochs_and_repeats_for_its_seed():
    first, again, other = (R.shuffle(numbers(50), 20, seed=seed) for seed in (5, 5, 6))
    epochs = [list(first()) for _ in range(3)]
    assert epochs == [list(again()) for _ in range(3)]
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    assert epochs[0] != list(other())
    assert sorted(epochs[0]) == list(range(50))


def test_a_seeded_shuffle_neither_reads_nor_moves_the_global_random_state():
    state = random.getstate()
    list(R.shuffle(numbers(), 4, seed=0)())
    assert random.getstate() == state


def test_any_epoch_of_a_seeded_shuffle_is_read_without_those_before_it():
    through = R.shuffle(numbers(50), 20, seed=5)
    epochs = [list(through()) for _ in range(6)]
    resumed = R.shuffle(numbers(50), 20, seed=5)
    resumed.epoch = 4
    assert [list(resumed()), list(resumed())] == epochs[4:]
    assert through.epoch == resumed.epoch == 6


def test_an_epoch_keeps_its_order_however_late_it_is_iterated():
    reader = R.shuffle(numbers(50), 20, seed=5)
    epochs = [reader(), reader()]
    again = R.shuffle(numbers(50), 20, seed=5)
    assert [list(again()), list(again())] == [list(epoch) for epoch in epochs]


def test_the_order_of_indices_is_the_order_of_any_samples():
    letters = "abcdefghijklmnopqrstuvwxyz"
    order = R.shuffle(numbers(26), 10, seed=2)()
    assert [letters[i] for i in order] == list(R.shuffle(lambda: letters, 10, seed=2)())


# Ends. The fixture above checks that no thread or process outlives its test.

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


def test_ctrl_c_ends_consumer_and_workers_without_words_from_the_workers():
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
    done = run(script, start_new_session=True)
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
    deadline = time.monotonic() + 30
    while any(_runs(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_runs(pid) for pid in pids)


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


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
