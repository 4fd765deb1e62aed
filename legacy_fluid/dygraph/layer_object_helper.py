"""`fluid.dygraph.layer_object_helper`: the helper that belongs to one layer object."""

from __future__ import annotations

from typing import Any

from ..framework import _dygraph_tracer
from ..layer_helper import LayerHelper
from .tracer import Tracer

__all__ = ["LayerObjectHelper"]


class LayerObjectHelper(LayerHelper):
    """Makes the parameters and appends the operators of the layer called `name`."""

    def __init__(self, name: str) -> None:
        super().__init__(name, name=name)

    def create_parameter(self, *args: Any, **kwargs: Any) -> Any:
        parameter = super().create_parameter(*args, **kwargs)
        tracer = _dygraph_tracer()
        if parameter is not None and isinstance(tracer, Tracer):
            tracer.remember_parameter(parameter)
        return parameter

    def input_dtype(self, inputs_in: Any) -> Any:
        """Return the dtype of a Variable, or of a list of them.

        Raises:
            ValueError: they have several.
        """
        inputs = inputs_in if isinstance(inputs_in, list | tuple) else [inputs_in]
        dtypes = {each.dtype for each in inputs}
        if len(dtypes) > 1:
            raise ValueError(f"the inputs of {self.name} have different dtypes: {sorted(map(str, dtypes))}")
        return dtypes.pop() if dtypes else None

    def append_activation(self, input_var: Any, act: str | None = None, use_cudnn: bool | None = None) -> Any:
        """Append the activation `act`; return its output, or `input_var` where there is none."""
        if act is None:
            return input_var
        if not isinstance(act, str):
            raise TypeError(f"act is the name of an activation, not {act!r}")
        attrs = {"use_cudnn": True} if use_cudnn else {}
        out = self.create_variable_for_type_inference(dtype=input_var.dtype)
        self.append_op(type=act, inputs={"X": [input_var]}, outputs={"Out": [out]}, attrs=attrs)
        return out
