"""The reader decorators: paddle.reader's semantics, seeds and epochs."""

import random
import threading
from itertools import count

import numpy as np
import pytest

from pipeline import readers as R  # noqa: N812

# Python 3.12 warns of every fork beside threads; ours are meant (see pipeline/readers/processes.py).
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")


def numbers(n=10):
    return lambda: iter(range(n))


def pairs(n):
    return lambda: iter([(i, -i) for i in range(n)])


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
