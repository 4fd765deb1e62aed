"""Distributions, by value, as operators of a program and in eager mode."""

import numpy as np
import pytest

import legacy_fluid as fluid
from legacy_fluid.layers import Categorical, MultivariateNormalDiag, Normal, Uniform

LOW, HIGH = np.array([[1, 2], [2, 3]], "float32"), np.array([[2, 3.5], [4, 7]], "float32")
MEAN, COVARIANCE = np.array([0.3, 0.5], "float32"), np.array([[0.4, 0], [0, 0.5]], "float32")
OTHER_MEAN, OTHER_COVARIANCE = np.array([0.2, 0.4], "float32"), np.array([[0.3, 0], [0, 0.4]], "float32")


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


def density(x, mean, deviation):
    return np.exp(-(((x - mean) / deviation) ** 2) / 2) / (deviation * np.sqrt(2 * np.pi))


P, Q = softmax(LOW), softmax(HIGH)
DIFFERENCE = OTHER_MEAN - MEAN
INVERSE = np.linalg.inv(OTHER_COVARIANCE)
VOLUMES = np.log(np.linalg.det(OTHER_COVARIANCE) / np.linalg.det(COVARIANCE))

CASES = {
    "uniform entropy": (lambda v: Uniform(v(LOW), v(HIGH)).entropy(), np.log(HIGH - LOW)),
    "uniform log_prob": (lambda v: Uniform(v(LOW), v(HIGH)).log_prob(v(LOW + 0.5)), -np.log(HIGH - LOW)),
    "uniform log_prob outside": (lambda v: Uniform([0.0], [2.0]).log_prob(v(np.float32([3]))), [-np.inf]),
    "of lists": (lambda v: Uniform(3.0, [5.0, 6.0, 7.0]).entropy(), np.log([2, 3, 4])),
    "normal entropy": (lambda v: Normal(v(LOW), v(HIGH)).entropy(), np.log(HIGH * np.sqrt(2 * np.pi * np.e))),
    "normal log_prob": (lambda v: Normal(v(LOW), v(HIGH)).log_prob(v(HIGH)), np.log(density(HIGH, LOW, HIGH))),
    "normal divergence": (
        lambda v: Normal(v(LOW), v(HIGH)).kl_divergence(Normal(v(HIGH), v(LOW))),
        np.log(LOW / HIGH) + (HIGH**2 + (LOW - HIGH) ** 2) / (2 * LOW**2) - 0.5,
    ),
    "categorical entropy": (lambda v: Categorical(v(LOW)).entropy(), -(P * np.log(P)).sum(-1, keepdims=True)),
    "categorical divergence": (
        lambda v: Categorical(v(LOW)).kl_divergence(Categorical(v(HIGH))),
        (P * np.log(P / Q)).sum(-1, keepdims=True),
    ),
    "vector entropy": (
        lambda v: MultivariateNormalDiag(v(MEAN), v(COVARIANCE)).entropy(),
        [1 + np.log(2 * np.pi) + np.log(0.2) / 2],
    ),
    "vector divergence": (
        lambda v: MultivariateNormalDiag(v(MEAN), v(COVARIANCE)).kl_divergence(
            MultivariateNormalDiag(v(OTHER_MEAN), v(OTHER_COVARIANCE))
        ),
        [((INVERSE * COVARIANCE).sum() + DIFFERENCE @ INVERSE @ DIFFERENCE - 2 + VOLUMES) / 2],
    ),
}

pytestmark = pytest.mark.filterwarnings("ignore:the parameters of")


def constant(array):
    variable = fluid.layers.create_tensor("float32")
    fluid.layers.assign(array, variable)
    return variable


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("mode", ["static", "dygraph"])
def test_values(case, mode):
    build, expected = CASES[case]
    if mode == "dygraph":
        with fluid.dygraph.guard():
            value = build(fluid.dygraph.to_variable).numpy()
    else:
        with fluid.program_guard(fluid.Program(), fluid.Program()):
            result = build(constant)
            (value,) = fluid.Executor().run(fluid.default_main_program(), fetch_list=[result])
    assert value.shape == np.shape(expected)
    np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("distribution", "shape"),
    [
        (lambda: Normal(3.0, 2.0), (4000,)),
        (lambda: Normal([3.0, 3.0], [2.0, 2.0]), (4000, 2)),
        (lambda: Normal(constant(np.float32([3])), constant(np.float32([2]))), (4000, 1)),
        (lambda: Uniform(constant(np.float32([2])), constant(np.float32([4]))), (4000, 1)),
    ],
)
def test_samples_have_the_shape_asked_for_and_the_mean(distribution, shape):
    with fluid.program_guard(fluid.Program(), fluid.Program()):
        drawn = distribution().sample([4000], seed=5)
        (values,) = fluid.Executor().run(fluid.default_main_program(), fetch_list=[drawn])
    assert values.shape == shape
    np.testing.assert_allclose(values.mean(0), np.full(shape[1:], 3), atol=0.15)


def test_a_variable_beside_a_number_is_refused():
    with fluid.program_guard(fluid.Program(), fluid.Program()), pytest.raises(ValueError, match="all Variables"):
        Uniform(constant(np.float32([2])), 3.0)
