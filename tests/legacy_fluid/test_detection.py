"""Boxes: what is composed in place of lost operators against NumPy, and the rows by known values."""

import numpy as np
import pytest
from programs import fed, run, sequences, waves


def overlap(a, b):
    left, right = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = np.prod(np.clip(right - left, 0, None), axis=2)
    area = [np.prod(x[:, 2:] - x[:, :2], axis=1) for x in (a, b)]
    return both / (area[0][:, None] + area[1][None] - both)


A = np.array([[0.1, 0.1, 0.5, 0.5], [0.2, 0.2, 0.9, 0.8]], "float32")
B = np.array([[0.1, 0.1, 0.5, 0.5], [0.4, 0.3, 0.6, 0.7], [0, 0, 0.1, 0.1]], "float32")


def test_overlap_is_intersection_over_union(fluid):
    out = fluid.layers.iou_similarity(fed(fluid, "a", A), fed(fluid, "b", B))
    np.testing.assert_allclose(run(fluid, {"a": A, "b": B}, [out])[0], overlap(A, B), rtol=1e-5)


def test_boxes_encoded_and_decoded_are_themselves(fluid):
    L = fluid.layers
    priors = fluid.data("b", [3, 4])
    offsets = L.box_coder(priors, [0.1, 0.1, 0.2, 0.2], fed(fluid, "a", A), code_type="encode_center_size")
    boxes = L.box_coder(priors, [0.1, 0.1, 0.2, 0.2], offsets, code_type="decode_center_size")
    (value,) = run(fluid, {"a": A, "b": B}, [boxes])
    np.testing.assert_allclose(value, np.broadcast_to(A[:, None], (2, 3, 4)), atol=1e-5)


def test_the_focal_loss_counts_the_hard_ones_more(fluid):
    scores = waves(5, 3)
    labels, objects = np.array([[1], [0], [3], [-1], [2]], "int32"), np.array([2], "int32")
    x = fed(fluid, "x", scores)
    out = fluid.layers.sigmoid_focal_loss(
        x, fed(fluid, "l", labels), fluid.data("n", [1], "int32"), gamma=2.0, alpha=0.25
    )
    fluid.backward.append_backward(fluid.layers.reduce_sum(out))
    value, grad = run(fluid, {"x": scores, "l": labels, "n": objects}, [out, "x@GRAD"])

    def loss(scores):
        p = 1 / (1 + np.exp(-scores))
        is_class = labels == np.arange(1, 4)
        right = np.where(is_class, p, 1 - p)
        weight = np.where(is_class, 0.25, 0.75) * (labels >= 0)
        return -weight * (1 - right) ** 2 * np.log(right) / 2

    np.testing.assert_allclose(value, loss(scores.astype("f8")), rtol=1e-4)
    step = np.zeros_like(scores, "f8")
    step[2, 2] = 1e-4
    change = (loss(scores + step).sum() - loss(scores - step).sum()) / 2e-4
    np.testing.assert_allclose(grad[2, 2], change, rtol=1e-3)


def test_targets_go_to_the_priors_that_match(fluid):
    boxes, matched = waves(3, 4), np.array([[1, -1], [-1, 0]], "int32")
    targets, weights = fluid.layers.target_assign(
        fed(fluid, "x", boxes.reshape(3, 1, 4), [2, 1]), fed(fluid, "m", matched), mismatch_value=9
    )
    feed = {"x": sequences(fluid, boxes.reshape(3, 1, 4), [2, 1]), "m": matched}
    value, weight = run(fluid, feed, [targets, weights])
    np.testing.assert_allclose(value, [[boxes[1], [9] * 4], [[9] * 4, boxes[2]]], rtol=1e-6)
    assert weight[..., 0].tolist() == [[1, 0], [0, 1]]


def test_of_boxes_that_overlap_the_best_is_kept(fluid):
    boxes = np.array([[[0, 0, 1, 1], [0, 0, 0.9, 1], [0.5, 0.5, 1, 1]]], "float32")
    scores = np.array([[[0.0, 0.0, 0.0], [0.7, 0.9, 0.6]]], "float32")
    out = fluid.layers.multiclass_nms(
        fed(fluid, "b", boxes), fed(fluid, "s", scores), score_threshold=0.1, nms_top_k=10, keep_top_k=10
    )
    (value,) = run(fluid, {"b": boxes, "s": scores}, [out])
    np.testing.assert_allclose(value[:, :2], [[1, 0.9], [1, 0.6]], rtol=1e-6)


@pytest.mark.parametrize("sizes", [[4.0], [4.0, 6.0]])
def test_priors_stand_at_the_middle_of_each_cell(fluid, sizes):
    feature, image = np.zeros((1, 2, 2, 2), "float32"), np.zeros((1, 3, 20, 20), "float32")
    boxes, variances = fluid.layers.prior_box(fed(fluid, "f", feature), fed(fluid, "i", image), min_sizes=sizes)
    value, spread = run(fluid, {"f": feature, "i": image}, [boxes, variances])
    assert value.shape == spread.shape == (2, 2, len(sizes), 4)
    for index, size in enumerate(sizes):
        expected = np.array([5 - size / 2, 15 - size / 2, 5 + size / 2, 15 + size / 2]) / 20
        np.testing.assert_allclose(value[1, 0, index], expected, rtol=1e-6)


def test_the_detectors_loss_falls_as_it_is_trained(fluid):
    L = fluid.layers
    priors = L.assign(np.concatenate([A, B]).astype("float32"))
    offsets = L.create_parameter([1, 5, 4], "float32", default_initializer=fluid.initializer.Constant(0.1))
    scores = L.create_parameter([1, 5, 3], "float32", default_initializer=fluid.initializer.Constant(0.0))
    truth, label = fluid.data("t", [None, 4], lod_level=1), fluid.data("l", [None, 1], "int32", lod_level=1)
    loss = L.reduce_sum(L.ssd_loss(offsets, scores, truth, label, priors, L.assign(np.full((5, 4), 0.1, "float32"))))
    fluid.optimizer.Adam(0.1).minimize(loss)
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(fluid.default_startup_program())
    feed = {"t": sequences(fluid, A, [2]), "l": sequences(fluid, np.array([[1], [2]], "int32"), [2])}
    losses = [exe.run(feed=feed, fetch_list=[loss])[0].item() for _ in range(30)]
    assert losses[-1] < losses[0] / 5
