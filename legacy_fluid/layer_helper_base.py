"""`fluid.layer_helper_base`: what helpers of layers and of eager layers share."""

from __future__ import annotations

from typing import Any

from paddle.base import layer_helper_base as _layer_helper_base

from . import core
from .layer_helper import LayerHelper


class LayerHelperBase(_layer_helper_base.LayerHelperBase):
    """Makes the variables of one layer under the layer's name."""

    def create_parameter(
        self,
        attr: Any,
        shape: Any,
        dtype: Any,
        is_bias: bool = False,
        default_initializer: Any = None,
        stop_gradient: bool = False,
        type: Any = core.VarDesc.VarType.LOD_TENSOR,
    ) -> Any:
        """Create a parameter; see LayerHelper.create_parameter."""
        return LayerHelper.create_parameter(self, attr, shape, dtype, is_bias, default_initializer, stop_gradient, type)

    def create_variable_for_type_inference(self, dtype: Any, stop_gradient: bool = False) -> Any:
        """Create a variable whose shape its operator infers."""
        return super().create_variable_for_type_inference(dtype, stop_gradient)
