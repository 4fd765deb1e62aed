"""What every optimizer shares: the learning rate, the accumulators, and the way from a loss to updated parameters."""

from __future__ import annotations

from collections import defaultdict
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from paddle.base.dygraph.base import no_grad

from .. import clip, core, layers, unique_name
from ..backward import _get_no_grad_set_name, append_backward
from ..framework import (
    Variable,
    default_main_program,
    default_startup_program,
    device_guard,
    in_dygraph_mode,
    name_scope,
    program_guard,
)
from ..initializer import Constant
from ..layer_helper import LayerHelper
from ..regularizer import append_regularization_ops
from .state import DygraphState, finds_parameters_itself, is_decay, with_grad_clip_of_1_6


class Optimizer(DygraphState):
    """Base: `minimize(loss)` appends gradients, clipping, decay and one update operator a parameter.

    Args:
        learning_rate: float, a Variable that a decay of fluid.layers returned, or in dygraph a decay of fluid.dygraph.
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
        if in_dygraph_mode():
            if not isinstance(learning_rate, float) and not is_decay(learning_rate):
                raise TypeError(f"learning_rate is a float or a LearningRateDecay, not {learning_rate!r}")
            if parameter_list is None and not finds_parameters_itself():
                raise AttributeError("parameter_list is needed in dygraph mode: give it model.parameters()")
        elif not isinstance(learning_rate, float | Variable):
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
        self._accumulators_holder: dict[str, Any] = {}
        self._param_device_map: dict[str, str] = {}
        self._opti_name_list: list[str] = []
        self.helper: Any = None

    # --- from a loss to updated parameters --------------------------------------------------------------------------

    @with_grad_clip_of_1_6
    def minimize(
        self, loss: Any, startup_program: Any = None, parameter_list: Any = None, no_grad_set: Any = None
    ) -> tuple[list[Any], list[Any]]:
        """Append everything that updates the parameters to lower `loss`; in dygraph, update them.

        Returns:
            the update operators, and the (parameter, gradient) pairs.
        """
        assert isinstance(loss, Variable), f"minimize takes a Variable as its loss, not {loss!r}"
        with no_grad() if in_dygraph_mode() else nullcontext():
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
        """Append the gradient operators; return (parameter, gradient) pairs. In dygraph, collect the gradients."""
        self._dtype = loss.dtype
        if in_dygraph_mode():
            pairs = [(param, param._grad_ivar()) for param in self._parameters() if param.trainable]
            return [pair for pair in pairs if pair[1] is not None]
        assert tuple(loss.shape) == (1,), (
            f"a loss has the shape (1,), not {tuple(loss.shape)}: average it with fluid.layers.mean first"
        )
        callbacks = [clip.error_clip_callback] if callbacks is None else callbacks
        without_grad = self._get_no_grad_set(loss, no_grad_set)
        with program_guard(loss.block.program, startup_program or default_startup_program()):
            return append_backward(loss, parameter_list or self._parameter_list, without_grad, callbacks)

    def apply_optimize(self, loss: Any, startup_program: Any, params_grads: list[Any]) -> list[Any]:
        """Append clipping, decay and updates to the loss's program; return the update operators."""
        if in_dygraph_mode():
            if self._grad_clip is not None:
                params_grads = self._grad_clip(params_grads)
            return self._create_optimization_pass(append_regularization_ops(params_grads, self.regularization))
        with program_guard(loss.block.program, startup_program or default_startup_program()):
            return self.apply_gradients(params_grads)

    def apply_gradients(self, params_grads: list[Any]) -> list[Any]:
        """Append clipping, decay and updates for (parameter, gradient) pairs; return the update operators."""
        pairs = sorted(params_grads, key=lambda pair: pair[0].name)
        pairs = (self._grad_clip or clip.append_gradient_clip_ops)(pairs)
        return self._create_optimization_pass(append_regularization_ops(pairs, self.regularization))

    def _get_no_grad_set(self, loss: Any, no_grad_set: Any = None) -> set[str]:
        frozen = {param.name for param in loss.block.program.global_block().all_parameters() if not param.trainable}
        return _get_no_grad_set_name(no_grad_set) | frozen

    def _create_optimization_pass(self, parameters_and_grads: list[Any]) -> list[Any]:
        program = default_main_program()
        block = program.global_block()
        if program.current_block_idx != block.idx:
            # Inside control flow the updates go to the block of the gradients.
            block = program.block(program.current_block().backward_block_idx)
        first = len(block.ops)
        self.helper = LayerHelper(self.__class__.__name__)
        updated = [pair for pair in parameters_and_grads if pair[0].trainable]
        self._update_param_device_map(updated, block)
        self._create_accumulators(block, [param for param, _ in updated])
        self._create_global_learning_rate()
        for param, grad in updated:
            if grad is not None:
                with self._update_guard(param, grad), name_scope("optimizer"), self._device_of(param):
                    self._append_optimize_op(block, (param, grad))
        self._finish_update(block, parameters_and_grads)
        return block._slice_ops(first, len(block.ops))

    def _update_guard(self, param: Any, grad: Any) -> AbstractContextManager[Any]:
        """Mark what is appended as the update of a parameter."""
        return nullcontext() if in_dygraph_mode() else param.block.program._optimized_guard((param, grad))

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
        if is_decay(self._learning_rate):
            self._learning_rate_map[default_main_program()] = self._learning_rate()
        elif self._global_learning_rate() is None:
            if not isinstance(self._learning_rate, float):
                raise TypeError("the learning rate is a Variable of another program: make an optimizer in this one")
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
        device: str | None = None,
    ) -> Any:
        """Make the variable `name` that goes with a parameter, shaped like it unless `shape` is given."""
        if self._name is not None:
            name = f"{self._name}_{name}"
        if param.name in self._accumulators[name]:
            if in_dygraph_mode():
                return self._accumulators[name][param.name]
            raise Exception(f"accumulator {name} exists already for parameter {param.name}")
        var = self.helper.create_global_variable(
            name=unique_name.generate(f"{param.name}_{name}"),
            persistable=True,
            dtype=dtype or param.dtype,
            type=param.type if type is None else type,
            shape=param.shape if shape is None else shape,
            belong_to_optimizer=True,
        )
        with device_guard(device) if device else self._device_of(param):
            self.helper.set_variable_initializer(var, initializer=Constant(value=float(fill_value)))
        self._opti_name_list.append(var.name)
        self._restore_accumulator(var)
        self._accumulators[name][param.name] = var
        return var

    def _get_accumulator(self, name: str, param: Any) -> Any:
        """Return the variable `name` that goes with a parameter."""
        if self._name is not None:
            name = f"{self._name}_{name}"
        if param.name not in self._accumulators[name]:
            raise Exception(f"there is no accumulator {name} for parameter {param.name}")
        return self._accumulators[name][param.name]

    def get_opti_var_name_list(self) -> list[str]:
        """Return the names of all accumulators."""
        return self._opti_name_list

    def _update_param_device_map(self, parameters_and_grads: list[Any], block: Any) -> None:
        """A parameter's state and update belong on the device of the first operator that reads it."""
        attribute = core.op_proto_and_checker_maker.kOpDeviceAttrName()
        placed = [op for op in block.ops if op.has_attr(attribute) and op.attr(attribute)]
        for param, _ in parameters_and_grads:
            for op in placed:
                if param.name in op.input_arg_names:
                    self._param_device_map.setdefault(param.name, op.attr(attribute))

    def _device_of(self, param: Any) -> AbstractContextManager[Any]:
        device = self._param_device_map.get(param.name)
        return device_guard(device) if device else nullcontext()
