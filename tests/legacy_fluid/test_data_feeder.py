"""DataFeeder: from mini-batches to feeds, for one place and for several."""

import numpy as np
import pytest

import legacy_fluid as fluid


def batches():
    for size in (2, 3, 1, 4, 2):
        yield [(np.full([4], row, "float32"), row) for row in range(size)]


@pytest.fixture
def feeder():
    with fluid.program_guard(fluid.Program(), fluid.Program()):
        yield fluid.DataFeeder([fluid.data("x", [None, 4]), fluid.data("y", [None, 1], "int64")], fluid.CPUPlace())


def test_a_decorated_reader_gives_feeds(feeder):
    feeds = list(feeder.decorate_reader(batches, multi_devices=False)())
    assert [np.array(feed["y"]).shape for feed in feeds] == [(2, 1), (3, 1), (1, 1), (4, 1), (2, 1)]
    np.testing.assert_array_equal(np.array(feeds[1]["x"]), np.repeat([[0.0], [1.0], [2.0]], 4, axis=1))


def test_for_several_places_it_gives_a_feed_for_each_and_drops_what_is_left_over(feeder):
    feeds = list(feeder.decorate_reader(batches, multi_devices=True, num_places=2)())
    assert [[np.array(feed["x"]).shape[0] for feed in each] for each in feeds] == [[2, 3], [1, 4]]


def test_what_is_left_over_is_an_error_where_it_may_not_be_dropped(feeder):
    reader = feeder.decorate_reader(batches, multi_devices=True, num_places=2, drop_last=False)
    with pytest.raises(ValueError, match="1 mini-batches are left over for 2 places"):
        list(reader())


def test_places_and_mini_batches_are_as_many(feeder):
    with pytest.raises(ValueError, match="a mini-batch for each of 2 places, not 5"):
        list(feeder.feed_parallel(list(batches()), 2))
