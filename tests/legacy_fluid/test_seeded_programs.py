"""Programs with a seed, whole: first weights, dropout and training give the losses that genuine 1.8.5 gave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import legacy_fluid as fluid

layers = fluid.layers
Built = tuple[Any, dict[str, Any]]  # a loss and what is fed


def waves(*shape: int) -> np.ndarray:
    return np.sin(np.arange(int(np.prod(shape))) * 0.37).reshape(shape).astype("float32")


def ids(below: int, *shape: int, step: int = 7) -> np.ndarray:
    return ((np.arange(int(np.prod(shape))) * step) % below).reshape(shape).astype("int64")


def sequences(rows: np.ndarray, *lengths: int) -> Any:
    return fluid.create_lod_tensor(rows, [list(lengths)], fluid.CPUPlace())


def vgg() -> Built:
    """Convolutions with batch_norm and dropout, momentum with decay."""
    image, label = fluid.data("image", [None, 3, 16, 16]), fluid.data("label", [None, 1], "int64")
    hidden = image
    for filters in (4, 8):
        hidden = fluid.nets.img_conv_group(
            hidden,
            conv_num_filter=[filters] * 2,
            pool_size=2,
            pool_stride=2,
            conv_act="relu",
            conv_with_batchnorm=True,
            conv_batchnorm_drop_rate=[0.3, 0.0],
        )
    hidden = layers.batch_norm(layers.fc(layers.dropout(hidden, 0.5), 16), act="relu")
    loss = layers.mean(layers.cross_entropy(layers.fc(hidden, 10, act="softmax"), label))
    fluid.optimizer.Momentum(0.05, 0.9, regularization=fluid.regularizer.L2Decay(1e-3)).minimize(loss)
    return loss, {"image": waves(4, 3, 16, 16), "label": ids(10, 4, 1)}


def sentiment() -> Built:
    """Sequences through stacked LSTMs, Adagrad on rows."""
    words, label = fluid.data("words", [None, 1], "int64", lod_level=1), fluid.data("label", [None, 1], "int64")
    first = layers.fc(layers.embedding(words, [30, 8], is_sparse=True), 32)
    lstm, _ = layers.dynamic_lstm(first, 32)
    second = layers.fc([first, lstm], 32)
    lstm, _ = layers.dynamic_lstm(second, 32, is_reverse=True)
    predicted = layers.fc([layers.sequence_pool(each, "max") for each in (second, lstm)], 2, act="softmax")
    loss = layers.mean(layers.cross_entropy(predicted, label))
    fluid.optimizer.Adagrad(0.05).minimize(loss)
    return loss, {"words": sequences(ids(30, 11, 1), 4, 2, 5), "label": ids(2, 3, 1)}


def click_through() -> Built:
    """Wide and deep with sparse embeddings, lazy Adam and a warmed up, decaying rate; the norm of gradients bounded."""
    slots = [fluid.data(f"slot{index}", [None, 1], "int64") for index in range(3)]
    label = fluid.data("label", [None, 1])
    table = fluid.ParamAttr("table", initializer=fluid.initializer.TruncatedNormal(0.0, 0.1))
    deep = layers.concat([layers.embedding(slot, [50, 6], is_sparse=True, param_attr=table) for slot in slots], axis=1)
    wide = layers.sums([layers.embedding(slot, [50, 1], is_sparse=True, param_attr="wide") for slot in slots])
    for size in (16, 8):
        deep = layers.fc(deep, size, act="relu", param_attr=fluid.initializer.MSRA())
    loss = layers.mean(layers.sigmoid_cross_entropy_with_logits(layers.fc(deep, 1) + wide, label))
    rate = layers.linear_lr_warmup(layers.exponential_decay(0.05, 2, 0.9), 2, 0.01, 0.05)
    clip = fluid.clip.GradientClipByGlobalNorm(0.5)
    fluid.optimizer.Adam(rate, lazy_mode=True, grad_clip=clip).minimize(loss)
    feed = {f"slot{index}": ids(50, 8, 1, step=3 + index) for index in range(3)}
    return loss, {**feed, "label": ids(2, 8, 1, step=3).astype("float32")}


LOSSES: dict[Callable[[], Built], list[float]] = {
    vgg: [2.260688, 1.699774, 1.353625, 1.025385, 0.80481],
    sentiment: [0.801097, 0.459116, 0.168045, 0.054189, 0.017825],
    click_through: [0.758243, 0.704841, 0.623079, 0.530893, 0.442763],
}


@pytest.mark.parametrize(("build", "expected"), LOSSES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_program_with_a_seed_learns_step_by_step_as_in_1_8(build: Callable[[], Built], expected: list[float]) -> None:
    np.testing.assert_allclose(losses(build, len(expected)), expected, rtol=1e-4)


def losses(build: Callable[[], Built], steps: int) -> list[float]:
    main, startup = fluid.Program(), fluid.Program()
    main.random_seed = startup.random_seed = 11
    with (
        fluid.program_guard(main, startup),
        fluid.unique_name.guard(),
        fluid.scope_guard(fluid.Scope()),
    ):
        loss, feed = build()
        exe = fluid.Executor(fluid.CPUPlace())
        exe.run(startup)
        return [float(exe.run(main, feed=feed, fetch_list=[loss])[0][0]) for _ in range(steps)]


def penalised_critic(steps: int) -> list[float]:
    """A critic of images in eager mode, whose gradient is held at a norm of one (arXiv:1704.00028)."""
    dygraph = fluid.dygraph
    costs = []
    with dygraph.guard():
        fluid.default_main_program().random_seed = fluid.default_startup_program().random_seed = 3
        body = [dygraph.Conv2D(1, 4, 3, stride=2, padding=1), dygraph.Conv2D(4, 8, 3, stride=2, padding=1)]
        head = dygraph.Conv2D(8, 1, 2)

        def critic(image: Any) -> Any:
            for layer in body:
                image = layers.leaky_relu(layer(image), 0.2)
            return layers.reshape(head(image), [-1, 1])

        parameters = [parameter for layer in (*body, head) for parameter in layer.parameters()]
        optimizer = fluid.optimizer.Adam(1e-2, beta1=0.5, parameter_list=parameters)
        real, fake = (dygraph.to_variable(scale * waves(4, 1, 8, 8)) for scale in (1, -0.5))
        for _ in range(steps):
            between = real * 0.3 + fake * 0.7
            between.stop_gradient = False
            slope = dygraph.grad(critic(between), between, create_graph=True)[0]
            norm = layers.sqrt(layers.reduce_sum(layers.square(layers.reshape(slope, [4, -1])), dim=1))
            penalty = layers.reduce_mean(layers.square(norm - 1.0))
            cost = layers.reduce_mean(critic(fake)) - layers.reduce_mean(critic(real)) + penalty * 10.0
            cost.backward()
            optimizer.minimize(cost)
            costs.append(float(cost.numpy()[0]))
    return costs


PENALISED = [0.186325, 0.020915, -0.355653, -0.560545, -0.601757]


def test_a_critic_with_a_penalty_on_its_gradient_learns_as_in_1_8() -> None:
    np.testing.assert_allclose(penalised_critic(len(PENALISED)), PENALISED, rtol=1e-4)
