"""`fluid.install_check`: a small network, trained once."""

from __future__ import annotations

import logging

import numpy as np

from . import compiler, core, layers, optimizer, unique_name
from .backward import append_backward
from .executor import Executor, scope_guard
from .framework import Program, cuda_places, program_guard
from .initializer import Constant
from .param_attr import ParamAttr

__all__ = ["run_check"]

_INPUT = np.array([[1.0, 2.0], [3.0, 4.0]], dtype="float32")


def run_check() -> None:
    """Compute a gradient on one device, train on all of them, and print whether that went well."""
    print("Running Verify Fluid Program ... ")
    places = cuda_places() if core.get_cuda_device_count() else [core.CPUPlace()] * 2
    _compute_gradient(places[0])
    print("Your Paddle Fluid works well on SINGLE GPU or CPU.")
    try:
        _train(places)
    except RuntimeError as error:
        logging.warning("training on %d devices failed: %s", len(places), error)
        print("Your Paddle Fluid is installed successfully ONLY for SINGLE GPU or CPU!")
    else:
        print("Your Paddle Fluid works well on MUTIPLE GPU or CPU.")
        print("Your Paddle Fluid is installed successfully! Let's start deep Learning with Paddle Fluid now")


def _compute_gradient(place: core.Place) -> None:
    main, startup = Program(), Program()
    with scope_guard(core.Scope()), program_guard(main, startup), unique_name.guard():
        inp = layers.data(name="inp", shape=[2, 2], append_batch_size=False)
        out = _network(inp)
        (_, gradient), *_ = append_backward(out)
        exe = Executor(place)
        exe.run(startup)
        exe.run(main, feed={"inp": _INPUT}, fetch_list=[out, gradient])


def _train(places: list[core.Place]) -> None:
    main, startup = Program(), Program()
    with scope_guard(core.Scope()), program_guard(main, startup), unique_name.guard():
        loss = layers.mean(_network(layers.data(name="inp", shape=[2, 2])))
        optimizer.SGD(learning_rate=0.01).minimize(loss)
        compiled = compiler.CompiledProgram(main).with_data_parallel(loss_name=loss.name, places=places)
        exe = Executor(places[0])
        exe.run(startup)
        exe.run(compiled, feed={"inp": np.stack([_INPUT] * len(places))}, fetch_list=[loss])


def _network(x: object) -> object:
    weight = ParamAttr(initializer=Constant(value=0.1))
    return layers.reduce_sum(layers.fc(x, 3, num_flatten_dims=len(x.shape) - 1, param_attr=weight))
