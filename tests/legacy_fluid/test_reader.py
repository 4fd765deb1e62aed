"""`fluid.io.DataLoader` over a data set by index: what each mode yields, in which form."""

import numpy as np
import pytest

import legacy_fluid as fluid
from legacy_fluid.dataloader import BatchSampler, Dataset


class Counted(Dataset):
    def __getitem__(self, index):
        return np.full([2], index, "float32"), np.array([index], "int64")

    def __len__(self):
        return 5


DATA, PLACE = Counted(), fluid.CPUPlace()


@pytest.fixture
def variables():
    with fluid.program_guard(fluid.Program(), fluid.Program()):
        yield [fluid.data("x", [None, 2]), fluid.data("y", [None, 1], "int64")]


def labels(feeds):
    return [[np.array(feed["y"]).ravel().tolist() for feed in each] for each in feeds]


@pytest.mark.parametrize(
    ("places", "settings", "expected"),
    [
        (1, {"batch_size": 2}, [[[0, 1]], [[2, 3]], [[4]]]),
        (1, {"batch_size": 2, "drop_last": True}, [[[0, 1]], [[2, 3]]]),
        (1, {"batch_sampler": BatchSampler(indices=[4, 0, 1], batch_size=2)}, [[[4, 0]], [[1]]]),
        (2, {"batch_size": 1}, [[[0], [1]], [[2], [3]]]),
        (1, {"batch_size": 3, "num_workers": 1}, [[[0, 1, 2]], [[3, 4]]]),
    ],
)
def test_a_static_program_gets_a_feed_for_each_place(variables, places, settings, expected):
    loader = fluid.io.DataLoader(DATA, variables, fluid.cpu_places(places), **settings)
    assert labels(loader()) == expected


def test_as_lists_they_are_still_one_a_place(variables):
    batches = list(fluid.io.DataLoader(DATA, variables, PLACE, return_list=True, batch_size=4))
    assert [[np.array(tensor).shape for tensor in place] for (place,) in batches] == [
        [(4, 2), (4, 1)],
        [(1, 2), (1, 1)],
    ]


def test_shuffled_they_are_the_same_samples(variables):
    loader = fluid.io.DataLoader(DATA, variables, PLACE, shuffle=True)
    assert sorted(label for ((label,),) in labels(loader)) == list(range(5))


def test_an_eager_program_gets_lists_of_variables():
    with fluid.dygraph.guard(PLACE):
        batches = list(fluid.io.DataLoader(DATA, places=PLACE, batch_size=3))
        assert [y.numpy().ravel().tolist() for _, y in batches] == [[0, 1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"places": None}, "places cannot be None"),
        ({"places": PLACE, "dataset": [1, 2]}, "dataset is a paddle.io.Dataset"),
        ({"places": PLACE, "batch_size": 0}, "batch_size is above 0"),
        ({"places": PLACE, "feed_list": None}, "feed_list should be set"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(variables, arguments, message):
    with pytest.raises(AssertionError, match=message):
        fluid.io.DataLoader(**{"dataset": DATA, "feed_list": variables, **arguments})
