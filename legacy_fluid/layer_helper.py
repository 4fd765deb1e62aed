"""`fluid.layer_helper`: what every layer uses to make parameters, temporaries and operators."""

from __future__ import annotations

import copy
from typing import Any

from paddle.base import layer_helper as _layer_helper

from . import core, unique_name
from .framework import in_dygraph_mode
from .param_attr import ParamAttr, WeightNormParamAttr

__all__ = ["LayerHelper"]

_FLOATS = {
    *("float16", "float32", "float64", "float"),
    *(core.VarDesc.VarType.FP16, core.VarDesc.VarType.FP32, core.VarDesc.VarType.FP64),
}


class LayerHelper(_layer_helper.LayerHelper):
    """Appends the operators of one layer to the current block, and makes its variables under the layer's name."""

    @property
    def param_attr(self) -> Any:
        return ParamAttr._to_attr(self.kwargs.get("param_attr"))

    @property
    def bias_attr(self) -> Any:
        return ParamAttr._to_attr(self.kwargs.get("bias_attr"))

    def create_parameter(
        self,
        attr: Any,
        shape: Any,
        dtype: Any = None,
        is_bias: bool = False,
        default_initializer: Any = None,
        stop_gradient: bool = False,
        type: Any = core.VarDesc.VarType.LOD_TENSOR,
    ) -> Any:
        """Create a parameter in the main program and its initialisation in the startup program; None for attr False."""
        attr = ParamAttr._to_attr(copy.deepcopy(attr))
        if not attr:
            return None
        dtype = dtype or self.get_default_dtype()
        if attr.name is None:
            attr.name = unique_name.generate(f"{self.name}.{'b' if is_bias else 'w'}")
        if default_initializer is not None or attr.initializer is not None:
            attr._set_default_initializer(default_initializer)
        elif dtype not in _FLOATS:
            raise TypeError(f"a parameter of dtype {dtype} has no default initializer: give it one in its ParamAttr")
        elif is_bias:
            attr._set_default_bias_initializer()
        else:
            attr._set_default_param_initializer()

        if isinstance(attr, WeightNormParamAttr):
            param = self._create_weight_normalize(attr, shape, dtype)
            WeightNormParamAttr.params_with_weight_norm.append(param)
            return param
        main, startup = self.main_program.global_block(), self.startup_program.global_block()
        if in_dygraph_mode():
            return main.create_parameter(
                dtype=dtype,
                shape=shape,
                type=type,
                stop_gradient=stop_gradient,
                **attr._to_kwargs(with_initializer=True),
            )
        startup.create_parameter(dtype=dtype, shape=shape, type=type, **attr._to_kwargs(with_initializer=True))
        return main.create_parameter(dtype=dtype, shape=shape, type=type, **attr._to_kwargs())

    def append_activation(self, input_var: Any) -> Any:
        """Append the activation that the layer's `act` names; return its output, or `input_var` where there is none."""
        act = self.kwargs.get("act")
        if act is None:
            return input_var
        act = {"type": act} if isinstance(act, str) else dict(act)
        if self.kwargs.get("use_cudnn"):
            act["use_cudnn"] = self.kwargs["use_cudnn"]
        out = self.create_variable_for_type_inference(dtype=input_var.dtype)
        self.append_op(type=act.pop("type"), inputs={"X": [input_var]}, outputs={"Out": [out]}, attrs=act)
        return out
