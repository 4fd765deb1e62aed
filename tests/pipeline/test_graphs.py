"""The graphs are the tutorials': the same parameters, the same operators in the same order."""

from __future__ import annotations

import numpy as np
import pytest

import legacy_fluid as fluid
from pipeline.config import TrainConfig
from pipeline.models import MODELS
from pipeline.program import LEARNING_RATE, build_programs

PARAMETERS = {
    "softmax": {"fc_0.w_0": (784, 10), "fc_0.b_0": (10,)},
    "mlp": {
        "fc_0.w_0": (784, 200), "fc_0.b_0": (200,), "fc_1.w_0": (200, 200), "fc_1.b_0": (200,),
        "fc_2.w_0": (200, 10), "fc_2.b_0": (10,),
    },
    "lenet": {
        "conv2d_0.w_0": (20, 1, 5, 5), "conv2d_0.b_0": (20,), "batch_norm_0.w_0": (20,), "batch_norm_0.b_0": (20,),
        "batch_norm_0.w_1": (20,), "batch_norm_0.w_2": (20,), "conv2d_1.w_0": (50, 20, 5, 5), "conv2d_1.b_0": (50,),
        "fc_0.w_0": (800, 10), "fc_0.b_0": (10,),
    },
    "sigmoid_mlp": {
        "fc_0.w_0": (784, 10), "fc_0.b_0": (10,), "fc_1.w_0": (10, 10), "fc_1.b_0": (10,),
        "fc_2.w_0": (10, 10), "fc_2.b_0": (10,),
    },
    "linear": {"fc_0.w_0": (784, 1), "fc_0.b_0": (1,)},
    "cnn20": {
        "conv2d_0.w_0": (20, 1, 5, 5), "conv2d_0.b_0": (20,), "conv2d_1.w_0": (20, 20, 5, 5), "conv2d_1.b_0": (20,),
        "fc_0.w_0": (980, 10), "fc_0.b_0": (10,),
    },
}  # fmt: skip
LOSS = ["cross_entropy2", "mean", "top_k", "accuracy"]
SQUARE_ERROR = ["cast", "elementwise_sub", "square", "mean"]
NEAREST = ["clip", "round", "cast", "equal", "cast", "mean"]
FC = ["mul", "elementwise_add"]
CONV_POOL = ["conv2d", "elementwise_add", "relu", "pool2d"]
OPERATORS = {
    "softmax": [*FC, "softmax", *LOSS],
    "mlp": [*FC, "relu", *FC, "relu", *FC, "softmax", *LOSS],
    "lenet": [
        *CONV_POOL, "batch_norm", *CONV_POOL, *FC, "softmax", *LOSS,
    ],
    "sigmoid_mlp": [*FC, "sigmoid", *FC, "sigmoid", *FC, "softmax", *LOSS],
    "linear": [*FC, *SQUARE_ERROR, *NEAREST],
    "cnn20": [*CONV_POOL, *CONV_POOL, *FC, "softmax", *LOSS],
}  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_a_graph_has_the_parameters_of_its_tutorial(model: str) -> None:
    programs = build_programs(TrainConfig(model=model), classes=10)
    assert {each.name: tuple(each.shape) for each in programs.train.all_parameters()} == PARAMETERS[model]


@pytest.mark.parametrize("model", MODELS)
def test_a_test_program_is_the_forward_half_and_does_not_learn(model: str) -> None:
    programs = build_programs(TrainConfig(model=model), classes=10)
    assert [op.type for op in programs.test.global_block().ops] == OPERATORS[model]
    normalising = [op for op in programs.test.global_block().ops if op.type == "batch_norm"]
    assert all(op.attr("is_test") for op in normalising)
    assert "adam" in [op.type for op in programs.train.global_block().ops]


@pytest.mark.parametrize("model", [model for model, row in MODELS.items() if row.loss == "cross_entropy"])
def test_a_graph_gives_probabilities_for_as_many_classes_as_asked(model: str) -> None:
    programs = build_programs(TrainConfig(model=model), classes=4)
    executor = fluid.Executor(fluid.CPUPlace())
    images = np.random.default_rng(0).uniform(-1, 1, (3, 1, 28, 28)).astype(np.float32)
    feed = {"img": images, "label": np.zeros((3, 1), np.int64)}
    with fluid.scope_guard(fluid.Scope()):
        executor.run(programs.startup)
        (answer,) = executor.run(programs.test, feed=feed, fetch_list=[programs.prediction])
    assert answer.shape == (3, 4)
    np.testing.assert_allclose(answer.sum(axis=1), 1, rtol=1e-6)


def test_the_learning_rate_that_is_fed_is_the_one_that_is_used() -> None:
    programs = build_programs(TrainConfig(model="softmax"), classes=10)
    executor = fluid.Executor(fluid.CPUPlace())
    images = np.ones((1, 1, 28, 28), np.float32)
    moved = []
    for rate in (0.0, 0.5):
        with fluid.scope_guard(fluid.Scope()) as _:
            executor.run(programs.startup)
            weight = fluid.global_scope().find_var("fc_0.w_0").get_tensor()
            before = np.array(weight)
            feed = {"img": images, "label": np.zeros((1, 1), np.int64), LEARNING_RATE: np.array([rate], np.float32)}
            executor.run(programs.train, feed=feed)
            moved.append(np.abs(np.array(weight) - before).max())
    assert moved == [0.0, pytest.approx(0.5, rel=1e-4)]  # the first step of Adam is as long as its rate
