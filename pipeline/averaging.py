"""Running averages of the parameters, which generalise better than the parameters of any one step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import legacy_fluid as fluid

WARMUP = 10  # steps: a young average must not hang on the initial parameters for long


def add_averages(train: Any, startup: Any, rate: Any) -> dict[str, str]:
    """Let each run of `train` move an average of every parameter towards it, and return their names by parameter's.

    `rate`, a Variable [1] float32, is the share of the way. The averages of batch_norm's statistics are among them, and
    all of them are saved with the optimizer's variables. To be called within `program_guard(train, startup)`.
    """
    names = {}
    for parameter in train.all_parameters():
        average = names[parameter.name] = f"{parameter.name}.average"
        like = {"name": average, "shape": parameter.shape, "dtype": parameter.dtype, "persistable": True}
        kept = train.global_block().create_var(**like, belong_to_optimizer=True, stop_gradient=True)
        first = startup.global_block().create_var(**like)
        startup.global_block().append_op(
            type="assign", inputs={"X": [startup.global_block().var(parameter.name)]}, outputs={"Out": [first]}
        )
        # A step of SGD whose gradient is the distance: one operator, in place.
        distance = fluid.layers.elementwise_sub(kept, parameter)
        train.global_block().append_op(
            type="sgd",
            inputs={"Param": [kept], "Grad": [distance], "LearningRate": [rate]},
            outputs={"ParamOut": [kept]},
        )
    return names


def rate(average: float, step: int) -> float:
    """Return the share of the way at a step, counted from 0, where an old average leaves the share `average`."""
    return 1 - min(average, (1 + step) / (WARMUP + step))


def copy_averages(scope: Any, names: Mapping[str, str], into: Any, place: Any) -> None:
    """Give the parameters in the scope `into` the values of their averages in `scope`."""
    for parameter, average in names.items():
        into.var(parameter).get_tensor().set(np.array(scope.find_var(average).get_tensor()), place)
