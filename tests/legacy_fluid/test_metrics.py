"""Figures collected over batches."""

import numpy as np
import pytest


def test_accuracy_is_weighted(fluid):
    metric = fluid.metrics.Accuracy()
    metric.update(0.5, 10)
    metric.update(np.array([0.9]), 30)
    assert metric.eval() == pytest.approx(0.8)
    metric.reset()
    with pytest.raises(ValueError, match="no data"):
        metric.eval()


def test_precision_and_recall_count_positives(fluid):
    predictions, labels = np.array([[0.9], [0.8], [0.2], [0.6]]), np.array([[1], [0], [1], [1]])
    precision, recall = fluid.metrics.Precision(), fluid.metrics.Recall()
    for metric in (precision, recall):
        metric.update(predictions, labels)
    assert precision.eval() == pytest.approx(2 / 3)
    assert recall.eval() == pytest.approx(2 / 3)


def test_auc_is_the_share_of_pairs_in_the_right_order(fluid):
    rng = np.random.default_rng(0)
    probability, labels = rng.random(200), rng.integers(0, 2, 200)
    metric = fluid.metrics.Auc("auc")
    metric.update(np.stack([1 - probability, probability], 1), labels.reshape(-1, 1))
    positive, negative = probability[labels == 1], probability[labels == 0]
    assert metric.eval() == pytest.approx(np.mean(positive[:, None] > negative[None]), abs=2e-3)


def test_chunks_and_edits(fluid):
    chunks = fluid.metrics.ChunkEvaluator()
    chunks.update(10, 8, 4)
    assert chunks.eval() == pytest.approx((0.4, 0.5, 2 * 0.4 * 0.5 / 0.9))
    edits = fluid.metrics.EditDistance("edit")
    edits.update(np.array([[2.0], [0.0]]), np.array([2]))
    assert [float(np.asarray(value).item()) for value in edits.eval()] == [1.0, 0.5]


def test_a_composite_asks_its_members(fluid):
    composite = fluid.metrics.CompositeMetric()
    composite.add_metric(fluid.metrics.Precision())
    composite.add_metric(fluid.metrics.Recall())
    composite.update(np.array([[0.9]]), np.array([[1]]))
    assert composite.eval() == [1.0, 1.0]
    with pytest.raises(ValueError, match="MetricBase"):
        composite.add_metric("recall")


def test_mean_average_precision_of_perfect_detections_is_one(fluid):
    from programs import sequences

    boxes = np.array([[1, 0.9, 0.1, 0.1, 0.4, 0.4], [2, 0.8, 0.5, 0.5, 0.9, 0.9]], "float32")
    detections = fluid.data("d", [None, 6], lod_level=1)
    label, box = fluid.data("l", [None, 1], "int32", lod_level=1), fluid.data("b", [None, 4], lod_level=1)
    metric = fluid.metrics.DetectionMAP(detections, label, box, class_num=3)
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(fluid.default_startup_program())
    feed = {
        "d": sequences(fluid, boxes, [2]),
        "l": sequences(fluid, boxes[:, :1].astype("int32"), [2]),
        "b": sequences(fluid, boxes[:, 2:].copy(), [2]),
    }
    assert [value.item() for value in exe.run(feed=feed, fetch_list=list(metric.get_map_var()))] == [1.0, 1.0]
    metric.reset(exe)
