from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from export.conversion.paddle_model import PaddleModel, make_model, static_mode
from export.conversion.probe import Manner, measure, random_feed
from fluidline.errors import DataError


@static_mode()
def model_of(network: Callable[[Any], tuple[list[Any], list[Any]]]) -> PaddleModel:
    """Return the model that `network`, given fluid, builds."""
    import legacy_fluid as fluid

    main, startup = fluid.Program(), fluid.Program()
    scope = fluid.Scope()
    with fluid.program_guard(main, startup), fluid.unique_name.guard(), fluid.scope_guard(scope):
        inputs, outputs = network(fluid)
        fluid.Executor(fluid.CPUPlace()).run(startup)
    return make_model(main, [value.name for value in inputs], [value.name for value in outputs], scope)


def shapes(model: PaddleModel) -> dict[str, tuple[int | str, ...]]:
    signature = measure(model).signature
    return {spec.name: spec.shape for spec in (*signature.inputs, *signature.outputs)}


def test_height_and_width_are_followed_through_the_network_where_they_stay():
    def network(fluid: Any) -> tuple[list[Any], list[Any]]:
        image = fluid.data("image", [-1, 3, -1, -1], "float32")
        same = fluid.layers.relu(image)
        return [image], [same, fluid.layers.transpose(same, [0, 2, 3, 1]), fluid.layers.pool2d(image, 2, "max", 2)]

    found = list(shapes(model_of(network)).values())
    assert found[:3] == [
        ("batch", 3, "height", "width"),
        ("batch", 3, "height", "width"),
        ("batch", "height", "width", 3),
    ]
    assert found[3] == ("batch", 3, "pool2d_0.tmp_0_dim2", "pool2d_0.tmp_0_dim3")


def test_dimensions_that_must_be_equal_share_a_name_and_others_get_their_own():
    def network(fluid: Any) -> tuple[list[Any], list[Any]]:
        a, b, c = (fluid.data(name, [-1, -1], "float32") for name in "abc")
        return [a, b, c], [fluid.layers.elementwise_add(a, b), fluid.layers.reduce_sum(c, 1, keep_dim=True)]

    found = shapes(model_of(network))
    assert found["a"] == found["b"] == ("batch", "length")
    assert found["c"] == ("batch", "c_length")


def test_a_fixed_size_that_is_the_batch_by_chance_is_not_taken_for_it():
    def network(fluid: Any) -> tuple[list[Any], list[Any]]:
        x = fluid.data("x", [-1, 6], "float32")
        return [x], [fluid.layers.reshape(x, [-1, 3, 2])]

    assert list(shapes(model_of(network)).values())[1] == ("batch", 3, 2)


def test_sizes_are_tried_until_the_network_accepts_them():
    def network(fluid: Any) -> tuple[list[Any], list[Any]]:
        image = fluid.data("image", [-1, 1, -1, -1], "float32")
        return [image], [fluid.layers.conv2d(image, 2, 20)]

    assert [trial["height"] for trial in measure(model_of(network)).trials] == [32, 64]


def test_batches_are_tried_too():
    def network(fluid: Any) -> tuple[list[Any], list[Any]]:
        x = fluid.data("x", [-1, 3], "float32")
        return [x], [fluid.layers.reshape(x, [-1, 8, 3])]

    assert [trial["batch"] for trial in measure(model_of(network)).trials] == [8, 16]


def test_integers_stay_within_the_smallest_table_that_they_index():
    def network(fluid: Any) -> tuple[list[Any], list[Any]]:
        words = fluid.data("words", [-1, 4], "int64")
        large, small = (fluid.embedding(words, [size, 2]) for size in (100, 7))
        return [words], [large, small]

    model = model_of(network)
    feed = random_feed(model, measure(model).signature.inputs, {"batch": 500}, 0, Manner())
    assert (feed["words"].min(), feed["words"].max()) == (0, 6)


def test_a_network_that_needs_positive_input_gets_it():
    def network(fluid: Any) -> tuple[list[Any], list[Any]]:
        x, y = (fluid.data(name, [-1, 2], "int64") for name in "xy")
        return [x, y], [fluid.layers.elementwise_mod(x, y)]

    measured = measure(model_of(network))
    assert measured.manner == Manner(positive=True)
    feed = random_feed(model_of(network), measured.signature.inputs, {"batch": 100}, 0, measured.manner)
    assert feed["y"].min() > 0
    assert np.ptp(feed["y"]) > 0


def test_a_network_that_never_runs_is_an_error_with_its_reason():
    def network(fluid: Any) -> tuple[list[Any], list[Any]]:
        x = fluid.data("x", [-1, 3], "float32")
        return [x], [fluid.layers.reshape(x, [-1, 97])]

    with pytest.raises(DataError, match=r"cannot run the model on random inputs \(x float32\[batch, 3\]\): .*"):
        measure(model_of(network))
