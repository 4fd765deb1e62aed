"""Averages of parameters over training, which take the parameters' place for a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import layers, unique_name
from ..framework import Program, default_main_program, in_dygraph_mode, name_scope, program_guard
from ..layer_helper import LayerHelper
from .base import Optimizer

__all__ = ["ExponentialMovingAverage", "ModelAverage"]


class _Swap:
    """Runs `apply_program`, which puts averages in the parameters' place, and `restore_program`, which undoes it."""

    apply_program: Program
    restore_program: Program

    @contextmanager
    def apply(self, executor: Any, need_restore: bool = True) -> Iterator[None]:
        """Use the averages within a `with`.

        Args:
            need_restore: put the parameters back at its end.
        """
        executor.run(self.apply_program)
        try:
            yield
        finally:
            if need_restore:
                self.restore(executor)

    def restore(self, executor: Any) -> None:
        """Put the parameters back."""
        executor.run(self.restore_program)


def _averaged_parameters() -> list[Any]:
    params = default_main_program().global_block().all_parameters()
    return [param for param in params if param.do_model_average is not False]


def _backup_of(param: Any, name: str) -> Any:
    return param.block.create_var(name=name, dtype=param.dtype, persistable=False, stop_gradient=True)


class ModelAverage(_Swap, Optimizer):
    """The mean of each parameter over a window of the last updates.

    Args:
        average_window_rate: of the number of updates so far.
        min_average_window, max_average_window: limits of the window, in updates.
    """

    _SUMS = ("sum_1", "sum_2", "sum_3")
    _COUNTS = ("num_accumulates", "old_num_accumulates", "num_updates")

    def __init__(
        self,
        average_window_rate: float,
        min_average_window: int = 10000,
        max_average_window: int = 10000,
        regularization: Any = None,
        name: str | None = None,
    ) -> None:
        if in_dygraph_mode():
            raise Exception("ModelAverage works on a Program, not in dygraph mode")
        super().__init__(0.0, regularization=regularization, name=name)
        self.average_window = average_window_rate
        self.min_average_window = min_average_window
        self.max_average_window = max_average_window
        self.params_grads = [
            (param, _backup_of(param, unique_name.generate_with_ignorable_key(f"{param.name}.tmp")))
            for param in _averaged_parameters()
        ]
        for param, backup in self.params_grads:
            with param.block.program._optimized_guard([param, backup]), name_scope("move_average"):
                self._append_average_accumulate_op(param)
        self.apply_program, self.restore_program = Program(), Program()
        with program_guard(self.apply_program):
            for pair in self.params_grads:
                self._add_average_apply_op(self.apply_program.global_block(), *pair)
        with program_guard(self.restore_program):
            for param, backup in self.params_grads:
                block = self.restore_program.global_block()
                layers.assign(input=block._clone_variable(backup), output=block._clone_variable(param))

    def _append_average_accumulate_op(self, param: Any) -> None:
        self.helper = LayerHelper("average_accumulate")
        state = {name: self._add_accumulator(name, param) for name in self._SUMS}
        for name in self._COUNTS:
            state[name] = self._add_accumulator(name, param, dtype="int64", shape=[1])
        self.helper.append_op(
            type="average_accumulates",
            inputs={"param": param, **{f"in_{name}": var for name, var in state.items()}},
            outputs={f"out_{name}": var for name, var in state.items()},
            attrs={
                "average_window": self.average_window,
                "min_average_window": self.min_average_window,
                "max_average_window": self.max_average_window,
            },
            stop_gradient=True,
        )

    def _add_average_apply_op(self, block: Any, param: Any, backup: Any) -> None:
        param, backup = block._clone_variable(param), block._clone_variable(backup)
        sums = [block._clone_variable(self._get_accumulator(name, param)) for name in self._SUMS]
        counts = [block._clone_variable(self._get_accumulator(name, param)) for name in self._COUNTS[:2]]
        layers.assign(input=param, output=backup)
        dtype = self._dtype or "float32"
        count = layers.cast(x=layers.sum(x=counts), dtype=dtype)
        total = layers.cast(x=layers.sum(x=sums), dtype=dtype)
        block.append_op(
            type="elementwise_div", inputs={"X": [total], "Y": [count]}, outputs={"Out": [param]}, attrs={"axis": -1}
        )


class ExponentialMovingAverage(_Swap):
    """ema = decay * ema + (1 - decay) * param, corrected for its start at zero when it is applied.

    Args:
        decay: of the average.
        thres_steps: Variable; the decay is (1 + steps) / (10 + steps) as long as that is smaller.
        name: prefix of generated names.
    """

    def __init__(self, decay: float = 0.999, thres_steps: Any = None, name: str | None = None) -> None:
        if in_dygraph_mode():
            raise Exception("ExponentialMovingAverage works on a Program, not in dygraph mode")
        self._decay = decay
        self._thres_steps = thres_steps
        self._name = name or ""
        self._decay_var = self._get_ema_decay()
        self._step_counter_name = "@EMA_STEP_COUNTER@"
        self._params_tmps = [
            (param, _backup_of(param, unique_name.generate(f"{self._name}{param.name}.ema_tmp")))
            for param in _averaged_parameters()
        ]
        self._ema_vars = {}
        for param, tmp in self._params_tmps:
            with param.block.program._optimized_guard([param, tmp]), name_scope("moving_average"):
                self._ema_vars[param.name] = layers.create_global_var(
                    name=unique_name.generate(f"{self._name}{param.name}_ema"),
                    shape=param.shape,
                    value=0.0,
                    dtype=param.dtype,
                    persistable=True,
                )
        self.apply_program, self.restore_program = Program(), Program()
        with program_guard(self.apply_program):
            self._fill_apply_program(self.apply_program.global_block())
        with program_guard(self.restore_program):
            block = self.restore_program.global_block()
            for param, tmp in self._params_tmps:
                layers.assign(input=block._clone_variable(tmp), output=block._clone_variable(param))

    def _fill_apply_program(self, block: Any) -> None:
        steps = layers.create_global_var(
            name=self._step_counter_name, shape=[1], value=0, dtype="int64", persistable=True
        )
        steps = layers.cast(steps, "float32")
        remainder = layers.elementwise_pow(block._clone_variable(self._decay_var), steps)
        for param, tmp in self._params_tmps:
            param, tmp = block._clone_variable(param), block._clone_variable(tmp)
            ema = block._clone_variable(self._ema_vars[param.name])
            layers.assign(input=param, output=tmp)
            with layers.Switch() as switch, switch.case(steps > 0):
                layers.assign(output=ema, input=ema / (1.0 - remainder))
            layers.assign(input=ema, output=param)

    def _get_ema_decay(self) -> Any:
        with default_main_program()._lr_schedule_guard():
            decay = layers.create_global_var(
                shape=[1], value=self._decay, dtype="float32", persistable=True, name="scheduled_ema_decay_rate"
            )
            if self._thres_steps is not None:
                early = (self._thres_steps + 1.0) / (self._thres_steps + 10.0)
                with layers.Switch() as switch:
                    with switch.case(early < self._decay):
                        layers.assign(early, decay)
                    with switch.default():
                        layers.assign(np.array([self._decay], dtype="float32"), decay)
        return decay

    def update(self) -> None:
        """Append the operators that move the averages on; call it once, after minimize."""
        layers.autoincreased_step_counter(counter_name=self._step_counter_name)
        for param, tmp in self._params_tmps:
            with param.block.program._optimized_guard([param, tmp]), name_scope("moving_average"):
                ema = self._ema_vars[param.name]
                moved = ema * self._decay_var + param * (1 - self._decay_var)
                layers.assign(input=moved, output=ema)
