"""What every optimizer shares: the learning rate, the accumulators, and the way from a loss to updated parameters."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from .. import clip, core, layers, unique_name
from ..backward import append_backward
from ..framework import (
    Variable,
    default_main_program,
    default_startup_program,
    in_dygraph_mode,
    name_scope,
    program_guard,
)
from ..initializer import Constant
from ..layer_helper import LayerHelper
from ..regularizer import append_regularization_ops


class Optimizer:
    """Base: `minimize(loss)` appends gradients, clipping, decay and one update operator a parameter.

    Args:
        learning_rate: float, or a Variable that a decay of fluid.layers returned.
        parameter_list: the parameters to update; required in dygraph mode.
        regularization: decay of all parameters that have none of their own.
        grad_clip: a clip of fluid.clip.
        name: prefix of generated names.
    """

    type: str

    def __init__(
        self,
        learning_rate: Any,
        parameter_list: Any = None,
        regularization: Any = None,
        grad_clip: Any = None,
        name: str | None = None,
    ) -> None:
        if not isinstance(learning_rate, float | Variable):
            raise TypeError(f"learning_rate is a float or a Variable, not {learning_rate!r}")
        if grad_clip is not None and not isinstance(grad_clip, clip.GradientClipBase):
            raise TypeError(f"grad_clip is a GradientClipBase, not {grad_clip!r}")
        self._parameter_list = parameter_list
        self._name = name
        self.regularization = regularization
        self._grad_clip = grad_clip
        self._learning_rate = learning_rate
        self._dtype: Any = None
        # Each program has a learning rate variable of its own.
        self._learning_rate_map: dict[Any, Any] = {}
        if isinstance(learning_rate, Variable):
            self._learning_rate_map[default_main_program()] = learning_rate
        self._accumulators: dict[str, dict[str, Any]] = defaultdict(dict)
        self.helper: Any = None
        self._opti_name_list: list[str] = []

    # --- from a loss to updated parameters --------------------------------------------------------------------------

    def minimize(
        self, loss: Any, startup_program: Any = None, parameter_list: Any = None, no_grad_set: Any = None
    ) -> tuple[list[Any], list[Any]]:
        """Append everything that updates the parameters to lower `loss`.

        Returns:
            the update operators, and the (parameter, gradient) pairs.
        """
        if not isinstance(loss, Variable | core.eager.Tensor):
            raise TypeError(f"minimize takes a Variable as its loss, not {loss!r}")
        pairs = self.backward(loss, startup_program, parameter_list or self._parameter_list, no_grad_set)
        return self.apply_optimize(loss, startup_program=startup_program, params_grads=pairs), pairs

    def backward(
        self,
        loss: Any,
        startup_program: Any = None,
        parameter_list: Any = None,
        no_grad_set: Any = None,
        callbacks: Any = None,
    ) -> list[Any]:
        """Append the gradient operators; return (parameter, gradient) pairs."""
        self._dtype = loss.dtype
        if tuple(loss.shape) != (1,):
            raise ValueError(f"a loss has the shape (1,), not {tuple(loss.shape)}: average or sum it first")
        with program_guard(loss.block.program, startup_program or default_startup_program()):
            return append_backward(loss, parameter_list or self._parameter_list, no_grad_set, callbacks)

    def apply_optimize(self, loss: Any, startup_program: Any, params_grads: list[Any]) -> list[Any]:
        """Append clipping, decay and updates to the loss's program; return the update operators."""
        with program_guard(loss.block.program, startup_program or default_startup_program()):
            return self.apply_gradients(params_grads)

    def apply_gradients(self, params_grads: list[Any]) -> list[Any]:
        """Append clipping, decay and updates for (parameter, gradient) pairs; return the update operators."""
        pairs = sorted(params_grads, key=lambda pair: pair[0].name)
        if self._grad_clip is not None:
            pairs = self._grad_clip(pairs)
        else:
            pairs = clip.append_gradient_clip_ops(pairs)
        return self._create_optimization_pass(append_regularization_ops(pairs, self.regularization))

    def _create_optimization_pass(self, parameters_and_grads: list[Any]) -> list[Any]:
        program = default_main_program()
        target = program.current_block()
        if program.current_block_idx != 0:
            target = program.block(program.current_block().backward_block_idx)
        before = len(target.ops)
        self.helper = LayerHelper(self.__class__.__name__)
        with_gradient = [pair for pair in parameters_and_grads if pair[1] is not None]
        self._create_accumulators(target, [param for param, _ in with_gradient if param.trainable])
        self._create_global_learning_rate()
        for pair in with_gradient:
            if pair[0].trainable:
                with program._optimized_guard(pair), name_scope("optimizer"):
                    self._append_optimize_op(target, pair)
        self._finish_update(target, parameters_and_grads)
        return target.ops[before:]

    # --- what an optimizer defines ----------------------------------------------------------------------------------

    def _create_accumulators(self, block: Any, parameters: list[Any]) -> None:
        """Make the state that the update of each parameter needs."""

    def _append_optimize_op(self, block: Any, param_and_grad: Any) -> Any:
        """Append the update of one parameter."""
        raise NotImplementedError

    def _finish_update(self, block: Any, parameters_and_grads: list[Any]) -> None:
        """Append what comes after all updates."""

    # --- learning rate ----------------------------------------------------------------------------------------------

    def _create_global_learning_rate(self) -> None:
        if self._global_learning_rate() is not None:
            return
        self._learning_rate_map[default_main_program()] = layers.create_global_var(
            name=unique_name.generate("learning_rate"),
            shape=[1],
            value=float(self._learning_rate),
            dtype=self._dtype or "float32",
            persistable=True,
        )

    def _global_learning_rate(self, program: Any = None) -> Any:
        return self._learning_rate_map.get(program or default_main_program())

    def _create_param_lr(self, param_and_grad: Any) -> Any:
        """Return the learning rate of one parameter: the global one times its own factor."""
        factor = param_and_grad[0].optimize_attr["learning_rate"]
        if isinstance(factor, Variable):
            return factor
        if factor == 1.0:
            return self._global_learning_rate()
        with default_main_program()._lr_schedule_guard(is_with_opt=True), name_scope("scale_with_param_lr"):
            return self._global_learning_rate() * factor

    # --- state ------------------------------------------------------------------------------------------------------

    def _add_accumulator(
        self,
        name: str,
        param: Any,
        dtype: Any = None,
        fill_value: float = 0.0,
        shape: Any = None,
        type: Any = None,
    ) -> Any:
        """Make the variable `name` that goes with a parameter, shaped like it unless `shape` is given."""
        if self._name is not None:
            name = f"{self._name}_{name}"
        if param.name in self._accumulators[name]:
            if in_dygraph_mode():
                return self._accumulators[name][param.name]
            raise ValueError(f"accumulator {name} exists already for parameter {param.name}")
        var = self.helper.create_global_variable(
            name=unique_name.generate(f"{param.name}_{name}"),
            persistable=True,
            dtype=dtype or param.dtype,
            type=type or (core.VarDesc.VarType.LOD_TENSOR if in_dygraph_mode() else param.type),
            shape=param.shape if shape is None else shape,
            belong_to_optimizer=True,
        )
        self.helper.set_variable_initializer(var, initializer=Constant(value=float(fill_value)))
        self._opti_name_list.append(var.name)
        self._accumulators[name][param.name] = var
        return var

    def _get_accumulator(self, name: str, param: Any) -> Any:
        """Return the variable `name` that goes with a parameter."""
        if self._name is not None:
            name = f"{self._name}_{name}"
        if param.name not in self._accumulators[name]:
            raise ValueError(f"there is no accumulator {name} for parameter {param.name}")
        return self._accumulators[name][param.name]
