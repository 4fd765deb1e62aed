"""What tests of legacy_fluid build and run their programs with."""

import numpy as np


def waves(*shape, phase=0.3):
    """Numbers between -1 and 1 that are the same everywhere."""
    return np.sin(np.arange(np.prod(shape)) * 0.7 + phase).reshape(shape).astype("float32")


def fed(fluid, name, value, lengths=None, **attributes):
    """A variable for `value`, whose gradient can be asked for; with lengths, of sequences."""
    var = fluid.data(name, [None, *value.shape[1:]], str(value.dtype), lod_level=1 if lengths else 0)
    var.stop_gradient = value.dtype.kind != "f"
    return var


def sequences(fluid, value, lengths):
    return fluid.create_lod_tensor(value, [lengths], fluid.CPUPlace())


def parameter(fluid, name, value):
    return fluid.ParamAttr(name=name, initializer=fluid.initializer.NumpyArrayInitializer(value))


def run(fluid, feed, fetch, steps=1):
    """The values of what is fetched, after the startup program, as arrays."""
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(fluid.default_startup_program())
    for _ in range(steps):
        values = exe.run(feed=feed, fetch_list=fetch, return_numpy=False)
    return [np.array(value) for value in values]


def value_of(fluid, name):
    return np.array(fluid.global_scope().find_var(name).get_tensor())


X, Y = waves(6, 4), waves(6, 1, phase=1.3) + 0.5
WEIGHT, BIAS = waves(4, 1, phase=0.1) / 2, np.full(1, 0.1, "float32")


def regression(fluid, **attributes):
    """The loss of a linear regression with parameters `w` and `b`; returns the feed and the loss."""
    x, y = fluid.data("x", [None, 4]), fluid.data("y", [None, 1])
    weight = parameter(fluid, "w", WEIGHT)
    for name, value in attributes.items():
        setattr(weight, name, value)
    predicted = fluid.layers.fc(x, 1, param_attr=weight, bias_attr=parameter(fluid, "b", BIAS))
    return {"x": X, "y": Y}, fluid.layers.mean(fluid.layers.square_error_cost(predicted, y))


def gradients(weight, bias):
    """The gradients of that loss, in NumPy."""
    error = X.astype("f8") @ weight + bias - Y
    return 2 * X.T.astype("f8") @ error / len(X), np.array([2 * error.mean()])
