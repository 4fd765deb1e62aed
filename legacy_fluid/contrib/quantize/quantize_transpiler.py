"""`fluid.contrib.quantize.quantize_transpiler`: train a network as its int8 form will answer, and save that form."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import unique_name
from ...core import VarDesc
from ...executor import global_scope
from ...framework import default_main_program, default_startup_program, program_guard
from ...initializer import Constant
from ...layer_helper import LayerHelper
from ...layers import autoincreased_step_counter
from ...param_attr import ParamAttr

__all__ = ["QuantizeTranspiler"]

_QUANTIZED = ("conv2d", "depthwise_conv2d", "mul")
_SCALINGS = ("abs_max", "range_abs_max", "moving_average_abs_max")
_QUANTIZE = tuple(f"fake_quantize_{scaling}" for scaling in _SCALINGS)
_DEQUANTIZE = "fake_dequantize_max_abs"


class QuantizeTranspiler:
    """Puts the rounding to integers before the inputs of a program's convolutions and fully connected layers.

    Args:
        weight_bits, activation_bits: of the integers.
        activation_quantize_type: where the range of values that are not parameters comes from: "abs_max" of each batch,
            "range_abs_max" of the last `window_size` batches, or "moving_average_abs_max" at `moving_rate`.
        weight_quantize_type: the same for parameters, for which "abs_max" is meant.

    Raises:
        ValueError: it comes from none of these.
    """

    def __init__(
        self,
        weight_bits: int = 8,
        activation_bits: int = 8,
        activation_quantize_type: str = "abs_max",
        weight_quantize_type: str = "abs_max",
        window_size: int = 10000,
        moving_rate: float = 0.9,
    ) -> None:
        for name, value in (("weight", weight_quantize_type), ("activation", activation_quantize_type)):
            if value not in _SCALINGS:
                raise ValueError(f"{name}_quantize_type is one of {', '.join(_SCALINGS)}, not {value!r}")
        self.weight_bits = weight_bits
        self.activation_bits = activation_bits
        self.weight_quantize_type = weight_quantize_type
        self.activation_quantize_type = activation_quantize_type
        self.window_size = window_size
        self.moving_rate = moving_rate
        self.helper = LayerHelper(type(self).__name__)
        self.is_test: bool | None = None
        self.global_step: Any = None

    # --- training ---

    def training_transpile(self, program: Any = None, startup_program: Any = None) -> None:
        """Change a program, with its gradients or without, so that it computes with rounded values.

        Args:
            program, startup_program: the default ones where None.

        Raises:
            ValueError: there is a gradient of something that is not in the program.
        """
        self.is_test = False
        program = program or default_main_program()
        with program_guard(program, startup_program or default_startup_program()):
            if "range_abs_max" in (self.weight_quantize_type, self.activation_quantize_type):
                self.global_step = autoincreased_step_counter()
            parameters = {parameter.name for parameter in program.all_parameters()}
            for block in program.blocks:
                self._round_inputs(block, parameters)

    def _round_inputs(self, block: Any, parameters: set[str]) -> None:
        rounded: dict[str, str] = {}
        for op in list(block.ops):
            if op.type in _QUANTIZED:
                at = block.ops.index(op)
                for name in op.input_arg_names:
                    if name not in rounded:
                        rounded[name] = self._insert_rounding(block, at, block.var(name), name in parameters)
                    op._rename_input(name, rounded[name])
            elif op.type in [f"{type}_grad" for type in _QUANTIZED]:
                known = [name for name in op.input_arg_names if name in rounded]
                if not known:
                    raise ValueError(f"no {op.type.removesuffix('_grad')} in the program has the gradient {op}")
                for name in known:
                    op._rename_input(name, rounded[name])

    def _insert_rounding(self, block: Any, at: int, var: Any, is_parameter: bool) -> str:
        """Insert the two operators that round a variable; return the name of what they give."""
        bits = self.weight_bits if is_parameter else self.activation_bits
        scaling = self.weight_quantize_type if is_parameter else self.activation_quantize_type
        integers = _like(block, var, f"{var.name}.quantized")
        inputs, outputs, attrs = getattr(self, f"_{scaling}")(block, var)
        block._insert_op(
            at,
            type=f"fake_quantize_{scaling}",
            inputs={"X": var, **inputs},
            outputs={"Out": integers, **outputs},
            attrs={"bit_length": bits, **attrs},
        )
        result = _like(block, integers, f"{integers.name}.dequantized")
        block._insert_op(
            at + 1,
            type=_DEQUANTIZE,
            inputs={"X": integers, "Scale": outputs["OutScale"]},
            outputs={"Out": result},
            attrs={"max_range": float(_largest(bits))},
        )
        return result.name

    def _abs_max(self, block: Any, var: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        return {}, {"OutScale": _like(block, var, f"{var.name}.scale")}, {}

    def _range_abs_max(self, block: Any, var: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        scale = self._scale(var)
        scales = self._state("scales", var.dtype, self.window_size, 0)
        attrs = {"window_size": self.window_size, "is_test": self.is_test}
        return {"InScale": scale, "Iter": self.global_step}, {"OutScale": scale, "OutScales": scales}, attrs

    def _moving_average_abs_max(self, block: Any, var: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        state, accum = (self._state(stem, var.dtype, 1, 1) for stem in ("state", "accum"))
        scale = self._scale(var)
        inputs = {"InScale": scale, "InState": state, "InAccum": accum}
        outputs = {"OutScale": scale, "OutState": state, "OutAccum": accum}
        return inputs, outputs, {"moving_rate": self.moving_rate, "is_test": self.is_test}

    def _scale(self, var: Any) -> Any:
        attr = ParamAttr(name=f"{var.name}.scale", initializer=Constant(0.001), trainable=False)
        scale = self.helper.create_parameter(attr=attr, shape=[1], dtype=var.dtype)
        scale.stop_gradient = True
        return scale

    def _state(self, stem: str, dtype: Any, size: int, value: float) -> Any:
        state = self.helper.create_global_variable(
            name=unique_name.generate(stem), persistable=True, dtype=dtype, shape=[size]
        )
        self.helper.set_variable_initializer(state, initializer=Constant(value))
        return state

    # --- inference ---

    def freeze_program(self, program: Any, place: Any, scope: Any = None) -> None:
        """Change a transpiled program for inference: parameters become whole numbers, and results are scaled back.

        Args:
            program: without gradients; the default one where None.
            place: where the parameters are.
            scope: of the parameters; the global one where None.

        Raises:
            ValueError: an operator multiplies something else than values with parameters.
        """
        self.is_test = True
        program = program or default_main_program()
        values = _Values(scope or global_scope(), place)
        persistable = {var.name for var in program.list_vars() if var.persistable}
        for block in program.blocks:
            self._freeze_block(block, persistable, values)
        _remove_unused(program)

    def _freeze_block(self, block: Any, persistable: set[str], values: _Values) -> None:
        taken: dict[str, str] = {}  # by the operators that are removed, for what they gave
        given: dict[str, str] = {}  # by those that are inserted, for what they take
        weights: dict[str, float] = {}  # their largest magnitude
        scales: dict[str, Any] = {}  # of all others
        for op in list(block.ops):
            for name in op.input_arg_names:
                if name in given:
                    op._rename_input(name, given[name])
            if op.type in _QUANTIZE or op.type == _DEQUANTIZE:
                source, result = op.input("X")[0], op.output("Out")[0]
                if op.type != _DEQUANTIZE and source not in persistable:
                    scales[result] = block.var(op.output("OutScale")[0])
                    continue
                if op.type != _DEQUANTIZE:
                    weights[source] = self._round_weight(source, op, values)
                taken[result] = taken.get(source, source)
                block._remove_op(block.ops.index(op))
            elif op.type in _QUANTIZED:
                for name in op.input_arg_names:
                    if name in taken:
                        op._rename_input(name, taken[name])
                self._insert_scaling_back(block, op, weights, scales, given)

    def _round_weight(self, name: str, op: Any, values: _Values) -> float:
        """Round a parameter to whole numbers, and return the magnitude that the largest of them stands for."""
        weight = values.read(name)
        is_of_batch = self.weight_quantize_type == "abs_max"
        scale = np.abs(weight).max() if is_of_batch else values.read(op.output("OutScale")[0])[0]
        values.write(name, np.round(weight / scale * _largest(self.weight_bits)))
        return float(scale)

    def _insert_scaling_back(
        self, block: Any, op: Any, weights: dict[str, float], scales: dict[str, Any], given: dict[str, str]
    ) -> None:
        magnitudes = [weights[name] for name in op.input_arg_names if name in weights]
        of_values = [scales[name] for name in op.input_arg_names if name in scales]
        if len(magnitudes) != 1 or len(of_values) != 1:
            raise ValueError(f"{op.type} multiplies no values with a parameter, and cannot be frozen: {op}")
        out = block.var(op.output_arg_names[0])
        result = _like(block, out, f"{out.name}.dequantized")
        largest = _largest(self.weight_bits) * _largest(self.activation_bits)
        block._insert_op(
            block.ops.index(op) + 1,
            type=_DEQUANTIZE,
            inputs={"X": out, "Scale": of_values[0]},
            outputs={"Out": result},
            attrs={"max_range": largest / magnitudes[0]},
        )
        given[out.name] = result.name

    def convert_to_int8(self, program: Any, place: Any, scope: Any = None) -> None:
        """Replace the parameters of a frozen program by ones of dtype int8: to save it small, not to run it here.

        Args:
            program: the default one where None.
            place: where the parameters are.
            scope: of the parameters; the global one where None.
        """
        program = program or default_main_program()
        values = _Values(scope or global_scope(), place)
        converted: dict[str, str] = {}
        for block in program.blocks:
            for op in block.ops:
                weights = [name for name in op.input_arg_names if op.type in _QUANTIZED and block.var(name).persistable]
                for name in weights:
                    if name not in converted:
                        converted[name] = f"{name}.int8"
                        program.global_block().create_parameter(
                            name=converted[name], shape=block.var(name).shape, dtype=VarDesc.VarType.INT8
                        )
                        values.write(converted[name], values.read(name).astype("int8"))
                    op._rename_input(name, converted[name])
        _remove_unused(program)


class _Values:
    """The values of a scope's variables."""

    def __init__(self, scope: Any, place: Any) -> None:
        self._scope, self._place = scope, place

    def read(self, name: str) -> Any:
        return np.array(self._scope.find_var(name).get_tensor())

    def write(self, name: str, value: Any) -> None:
        self._scope.var(name).get_tensor().set(value, self._place)


def _like(block: Any, var: Any, name: str) -> Any:
    return block.create_var(name=name, type=var.type, shape=var.shape, dtype=var.dtype)


def _largest(bits: int) -> int:
    return (1 << (bits - 1)) - 1


def _remove_unused(program: Any) -> None:
    for block in program.blocks:
        used = {name for op in block.ops for name in [*op.input_arg_names, *op.output_arg_names]}
        for name in [name for name in block.vars if name not in used]:
            block._remove_var(name)
