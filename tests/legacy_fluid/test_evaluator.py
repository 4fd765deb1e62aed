"""Scores that a program adds up over mini-batches."""

import numpy as np
import pytest

import legacy_fluid as fluid
from legacy_fluid import evaluator, layers


@pytest.fixture
def exe(fluid):
    return fluid.Executor(fluid.CPUPlace())


def make(kind, *args, **kwargs):
    with pytest.warns(Warning, match=f"prefer fluid.metrics.{kind}"):
        return getattr(evaluator, kind)(*args, **kwargs)


def words(name):
    return fluid.data(name, [None, 1], "int64", lod_level=1)


def sequences(values, lengths):
    return fluid.create_lod_tensor(np.array(values), [lengths], fluid.CPUPlace())


def run(exe, feed, fetch):
    return [float(np.array(value)[0]) for value in exe.run(feed=feed, fetch_list=fetch)]


def test_chunks_are_counted_over_all_batches(exe):
    chunks = make("ChunkEvaluator", words("found"), words("true"), "IOB", 2)
    exe.run(fluid.default_startup_program())
    chunks.reset(exe)
    # With two kinds in IOB: 0 and 1 begin and continue the first, 2 and 3 the second, 4 is outside.
    of_batches = [
        run(exe, {"found": sequences(found, [len(found)]), "true": sequences(true, [len(true)])}, chunks.metrics)
        for found, true in (
            ([[0], [1], [4], [2], [3]], [[0], [1], [4], [2], [2]]),  # 1 of 2 found is one of 3
            ([[2], [3]], [[2], [3]]),
        )
    ]
    np.testing.assert_allclose(of_batches, [[1 / 2, 1 / 3, 2 / 5], [1, 1, 1]], rtol=1e-6)
    np.testing.assert_allclose(np.ravel(chunks.eval(exe)), [2 / 3, 2 / 4, 4 / 7], rtol=1e-6)
    chunks.reset(exe)
    scores = chunks.eval(exe)
    assert [(score.tolist(), score.dtype) for score in scores] == [([0.0], np.float32)] * 3


def test_edit_distances_are_averaged_over_all_batches(exe):
    distances = make("EditDistance", words("found"), words("true"), ignored_tokens=[9])
    exe.run(fluid.default_startup_program())
    distances.reset(exe)
    batches = [
        {"found": sequences([[1], [2], [9], [3], [4]], [4, 1]), "true": sequences([[1], [2], [4], [4]], [3, 1])},
        {"found": sequences([[1]], [1]), "true": sequences([[1]], [1])},
    ]
    # 1 2 3 becomes 1 2 4 by one change of its three; the two others are right.
    assert np.allclose([run(exe, feed, distances.metrics) for feed in batches], [[1 / 3, 1], [0, 0]])
    mean, wrong = distances.eval(exe)
    np.testing.assert_allclose([mean, wrong], [[1 / 9], [1 / 3]], rtol=1e-6)


BOXES = {
    "box": np.float32([[0, 0, 0.4, 0.4], [0.5, 0.5, 1, 1]]),
    "label": np.float32([[1], [1]]),
    "difficult": np.float32([[0], [1]]),
}
RIGHT = [1, 0.9, 0, 0, 0.4, 0.4]
WRONG = [1, 0.8, 0.6, 0, 0.9, 0.4]
SECOND = [1, 0.7, 0.5, 0.5, 1, 1]


def detections(exe, *batches, with_difficult=False, **how):
    """The mean average precision of each batch, and over those so far."""
    parts = {name: fluid.data(name, [None, value.shape[1]], lod_level=1) for name, value in BOXES.items()}
    found = fluid.data("found", [None, 6], lod_level=1)
    difficult = parts["difficult"] if with_difficult else None
    scores = make("DetectionMAP", found, parts["label"], parts["box"], difficult, class_num=2, **how)
    exe.run(fluid.default_startup_program())
    scores.reset(exe)
    truth = {name: sequences(value, [2]) for name, value in BOXES.items()}
    return [
        run(exe, {"found": sequences(np.float32(batch), [len(batch)]), **truth}, scores.get_map_var())
        for batch in batches
    ]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, 0.5 * 1 + 0.5 * (2 / 3)),
        ({"ap_version": "11point"}, (6 * 1 + 5 * (2 / 3)) / 11),
        ({"with_difficult": True, "evaluate_difficult": False}, 1.0),
        ({"overlap_threshold": 0.99}, 0.5 * 1 + 0.5 * (2 / 3)),
    ],
    ids=str,
)
def test_detections_are_scored(how, expected, exe):
    (scores,) = detections(exe, [RIGHT, WRONG, SECOND], **how)
    np.testing.assert_allclose(scores, [expected, expected], rtol=1e-5)


def test_detections_are_scored_over_all_batches(exe):
    scores = detections(exe, [RIGHT, SECOND], [WRONG])
    # Of four objects the two found come first; the wrong one, 0.8, stands between 0.9 and 0.7.
    np.testing.assert_allclose(scores, [[1, 1], [0, 0.25 * 1 + 0.25 * (2 / 3)]], rtol=1e-5)


def test_an_evaluator_belongs_in_the_first_block():
    condition = layers.fill_constant([1], "bool", True)
    with (
        layers.While(condition).block(),
        pytest.warns(Warning, match="prefer"),
        pytest.raises(ValueError, match="ChunkEvaluator belongs in the program's first block"),
    ):
        evaluator.ChunkEvaluator(words("found"), words("true"), "IOB", 2)
