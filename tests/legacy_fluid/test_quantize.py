"""Quantization: a network that is trained with rounded values answers as its int8 form does; NumPy is the judge."""

import numpy as np
import pytest

import legacy_fluid as fluid
from legacy_fluid import layers
from legacy_fluid.contrib import QuantizeTranspiler

X = np.sin(np.arange(12)).reshape(3, 4).astype("float32")
WEIGHT = np.cos(np.arange(8)).reshape(4, 2).astype("float32")
RATE, LARGEST = 0.5, 127


def rounded(values, scale=None):
    """What is left of values that are stored as whole numbers up to LARGEST."""
    scale = np.abs(values).max() if scale is None else scale
    return np.round(values / scale * LARGEST) * scale / LARGEST


def build(minimize=True):
    x = fluid.data("x", [None, 4])
    weight = fluid.ParamAttr("w", initializer=fluid.initializer.NumpyArrayInitializer(WEIGHT))
    out = layers.fc(x, 2, param_attr=weight, bias_attr=False)
    test = fluid.default_main_program().clone(for_test=True)
    if minimize:
        fluid.optimizer.SGD(RATE).minimize(layers.reduce_sum(out))
    return out, test


def kinds(program):
    return [op.type for op in program.global_block().ops]


def value_of(name):
    return np.array(fluid.global_scope().find_var(name).get_tensor())


@pytest.fixture
def exe(fluid):
    return fluid.Executor(fluid.CPUPlace())


def test_training_computes_with_rounded_values_and_updates_the_true_ones(exe):
    out, _ = build()
    QuantizeTranspiler().training_transpile()
    exe.run(fluid.default_startup_program())
    (value,) = exe.run(feed={"x": X}, fetch_list=[out])
    np.testing.assert_allclose(value, rounded(X) @ rounded(WEIGHT), rtol=1e-5)
    gradient = np.repeat(rounded(X).sum(0)[:, None], 2, axis=1)
    np.testing.assert_allclose(value_of("w"), WEIGHT - RATE * gradient, rtol=1e-5)


def test_bits_are_those_asked_for(exe):
    out, test = build(minimize=False)
    QuantizeTranspiler(weight_bits=4, activation_bits=16).training_transpile(test)
    exe.run(fluid.default_startup_program())
    (value,) = exe.run(test, feed={"x": X}, fetch_list=[out.name])
    scale = np.abs(WEIGHT).max() / 7
    np.testing.assert_allclose(value, X @ (np.round(WEIGHT / scale) * scale), atol=1e-3)


def frozen(exe, feeds, **how):
    """What a program answers before and after it is frozen, trained on `feeds`, and the frozen program."""
    _, test = build()
    transpiler = QuantizeTranspiler(**how)
    transpiler.training_transpile()
    transpiler.training_transpile(test)
    exe.run(fluid.default_startup_program())
    for feed in feeds:
        exe.run(feed={"x": feed})
    weight = value_of("w")
    transpiler.freeze_program(test, fluid.CPUPlace())
    (value,) = exe.run(test, feed={"x": X}, fetch_list=["fc_0.tmp_0.dequantized"])
    return value, weight, test, transpiler


def test_a_frozen_program_holds_whole_numbers_and_answers_as_the_rounded_one(exe):
    value, weight, test, transpiler = frozen(exe, [X])
    np.testing.assert_allclose(value, rounded(X) @ rounded(weight), rtol=1e-5)
    np.testing.assert_array_equal(value_of("w"), np.round(weight / np.abs(weight).max() * LARGEST))
    assert kinds(test) == ["fake_quantize_abs_max", "mul", "fake_dequantize_max_abs"]
    assert {"x.quantized.dequantized", "w.quantized"} & set(test.global_block().vars) == set()
    transpiler.convert_to_int8(test, fluid.CPUPlace())
    assert test.global_block().ops[1].input("Y") == ["w.int8"]
    assert value_of("w.int8").dtype == np.int8
    np.testing.assert_array_equal(value_of("w.int8"), value_of("w"))


def test_a_range_remembers_the_largest_of_the_last_batches(exe):
    feeds = [X * 3, X, X]
    value, weight, test, _ = frozen(exe, feeds, activation_quantize_type="range_abs_max", window_size=2)
    np.testing.assert_array_equal(value_of("x.scale"), np.abs(X).max(keepdims=True)[0])
    np.testing.assert_allclose(value, rounded(X) @ rounded(weight), rtol=1e-5)
    assert "fake_quantize_range_abs_max" in kinds(test)


def test_a_moving_average_follows_the_batches(exe):
    out, _ = build(minimize=False)
    QuantizeTranspiler(activation_quantize_type="moving_average_abs_max", moving_rate=0.5).training_transpile()
    exe.run(fluid.default_startup_program())
    state, accum = 1.0, 1.0
    for feed in (X * 3, X):
        (value,) = exe.run(feed={"x": feed}, fetch_list=[out])
        state, accum = 0.5 * state + 1, 0.5 * accum + np.abs(feed).max()
    np.testing.assert_allclose(value_of("x.scale"), [accum / state], rtol=1e-5)
    np.testing.assert_allclose(value, rounded(X, accum / state) @ rounded(WEIGHT), rtol=1e-4)


def test_convolutions_are_rounded_too(exe):
    image = np.sin(np.arange(32)).reshape(1, 2, 4, 4).astype("float32")
    out = layers.conv2d(fluid.data("image", [None, 2, 4, 4]), 3, 1, bias_attr=False)
    QuantizeTranspiler().training_transpile()
    exe.run(fluid.default_startup_program())
    (value,) = exe.run(feed={"image": image}, fetch_list=[out])
    weight = value_of("conv2d_0.w_0")[:, :, 0, 0]
    np.testing.assert_allclose(value, np.einsum("oc,nchw->nohw", rounded(weight), rounded(image)), rtol=1e-4, atol=1e-6)


def test_what_is_used_twice_is_rounded_once(exe):
    x = fluid.data("x", [None, 4])
    for _ in range(2):
        layers.fc(x, 2, bias_attr=False)
    QuantizeTranspiler().training_transpile()
    assert kinds(fluid.default_main_program()).count("fake_quantize_abs_max") == 3


def test_what_cannot_be_is_told(exe):
    with pytest.raises(ValueError, match=r"activation_quantize_type is one of abs_max.*not 'max'"):
        QuantizeTranspiler(activation_quantize_type="max")
    with pytest.raises(ValueError, match=r"weight_quantize_type is one of abs_max.*not 'max'"):
        QuantizeTranspiler(weight_quantize_type="max")
    layers.mul(fluid.data("a", [2, 2]), fluid.data("b", [2, 2]))
    transpiler = QuantizeTranspiler()
    transpiler.training_transpile()
    with pytest.raises(ValueError, match="mul multiplies no values with a parameter"):
        transpiler.freeze_program(fluid.default_main_program(), fluid.CPUPlace())
