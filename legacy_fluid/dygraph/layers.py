"""`fluid.dygraph.layers`: Layer, the base of all layers and models."""

from __future__ import annotations

import copy
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import paddle
from paddle.nn.layer.layers import HookRemoveHelper  # noqa: F401  found here, though not in __all__

from .. import core, unique_name
from ..framework import Parameter, _dygraph_tracer
from .layer_object_helper import LayerObjectHelper
from .parallel_helper import _broadcast_parameters, _is_data_parallel_mode

__all__ = ["Layer"]


class Layer(paddle.nn.Layer):
    """Base: holds parameters and sub-layers, those that are set as attributes; `forward` says what it computes.

    Args:
        name_scope: stem of the layer's name, and so of its parameters' names; the class's name where None.
        dtype: of the parameters.
    """

    def __init__(self, name_scope: str | None = None, dtype: Any = core.VarDesc.VarType.FP32) -> None:
        super().__init__(name_scope, dtype)
        self._helper = LayerObjectHelper(self._full_name)

    # --- parameters and variables -----------------------------------------------------------------------------------

    def create_parameter(
        self,
        shape: Any,
        attr: Any = None,
        dtype: Any = "float32",
        is_bias: bool = False,
        default_initializer: Any = None,
    ) -> Any:
        """Return a new parameter named after the layer; None where `attr` is False."""
        attr = None if isinstance(attr, str) and not attr else copy.deepcopy(attr)
        return self._helper.create_parameter(attr, shape, dtype, is_bias, default_initializer)

    def create_variable(
        self,
        name: str | None = None,
        persistable: bool | None = None,
        dtype: Any = None,
        type: Any = core.VarDesc.VarType.LOD_TENSOR,
    ) -> Any:
        """Return a new Variable named after the layer."""
        full = f"{self._full_name}.{name}" if name else unique_name.generate(f"{self._full_name}._generated_var")
        block = self._helper.main_program.current_block()
        return block.create_var(name=full, persistable=persistable, dtype=dtype, type=type)

    def add_parameter(self, name: str, parameter: Any) -> Any:
        """Make `parameter` one of the layer's, as the attribute `name`; return it."""
        if parameter is not None and not isinstance(parameter, Parameter):
            raise TypeError(f"{name} is a Parameter or None, not {parameter!r}")
        self._parameters[name] = parameter
        return parameter

    def add_sublayer(self, name: str, sublayer: Any) -> Any:
        """Make `sublayer` part of the layer, as the attribute `name`; return it."""
        assert isinstance(sublayer, paddle.nn.Layer), f"{name} is a Layer, not {sublayer!r}"
        self._sub_layers[name] = sublayer
        return sublayer

    def parameters(self, include_sublayers: bool = True) -> list[Any]:
        """Return the parameters, those of sub-layers included, each once."""
        return [parameter for _, parameter in self.named_parameters(include_sublayers=include_sublayers)]

    def named_parameters(self, prefix: str = "", include_sublayers: bool = True) -> Iterator[tuple[str, Any]]:
        """Yield the parameters with their names from the layer down, `fc.weight`."""
        seen = set()
        for path, layer in self.named_sublayers(prefix, include_sublayers, include_self=True):
            for name, parameter in layer._parameters.items():
                if parameter is not None and id(parameter) not in seen:
                    seen.add(id(parameter))
                    yield f"{path}.{name}" if path else name, parameter

    def sublayers(self, include_sublayers: bool = True) -> list[Any]:
        """Return the sub-layers, and theirs."""
        return [layer for _, layer in self.named_sublayers(include_sublayers=include_sublayers)]

    def named_sublayers(
        self, prefix: str = "", include_sublayers: bool = True, include_self: bool = False, layers_set: Any = None
    ) -> Iterator[tuple[str, Any]]:
        """Yield the sub-layers with their names from the layer down, each once."""
        seen = set() if layers_set is None else layers_set
        if include_self and self not in seen:
            seen.add(self)
            yield prefix, self
        if not include_sublayers:
            return
        for name, layer in self._sub_layers.items():
            if layer is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from layer.named_sublayers(path, include_self=True, layers_set=seen)

    def clear_gradients(self) -> None:
        """Set the gradients of all parameters to zero."""
        for parameter in self.parameters():
            if parameter.trainable:
                parameter.clear_gradient()

    # --- train and eval ---------------------------------------------------------------------------------------------

    def train(self) -> None:
        """Let this layer and all below behave as in training, and record gradients, everywhere."""
        self._switch(True)

    def eval(self) -> None:
        """Let this layer and all below behave as in inference, and record no gradients, anywhere."""
        self._switch(False)

    def _switch(self, is_training: bool) -> None:
        tracer = _dygraph_tracer()
        (tracer.train_mode if is_training else tracer.eval_mode)()
        self.training = is_training
        for layer in self._sub_layers.values():
            (layer.train if is_training else layer.eval)()

    # --- calls ------------------------------------------------------------------------------------------------------

    def __call__(self, *inputs: Any, **kwargs: Any) -> Any:
        return self._dygraph_call_func(*inputs, **kwargs)

    def _build_once(self, *args: Any, **kwargs: Any) -> None:
        """Make what depends on the first input, as layers of 1.5 and 1.6 did, under this name or `build_once`."""
        build_once = getattr(self, "build_once", None)
        if build_once is not None:
            build_once(*args, **kwargs)
        if _is_data_parallel_mode():
            _broadcast_parameters(self._parameters.values())

    # --- attributes -------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        parameters, layers = self.__dict__.get("_parameters"), self.__dict__.get("_sub_layers")
        is_parameter, is_layer = isinstance(value, Parameter), isinstance(value, paddle.nn.Layer)
        if (is_parameter or is_layer) and layers is None:
            raise ValueError(f"{type(self).__name__}.__init__ sets {name} before it calls super().__init__()")
        if isinstance(getattr(type(self), name, None), property) or layers is None:
            object.__setattr__(self, name, value)
        elif is_parameter or is_layer:
            for holder in (self.__dict__, layers if is_parameter else parameters):
                holder.pop(name, None)
            (parameters if is_parameter else layers)[name] = value
        elif name in parameters or name in layers:
            holder, kind = (parameters, "Parameter") if name in parameters else (layers, "Layer")
            if value is not None:
                raise TypeError(f"{name} is a {kind} of {self._full_name}: set it to another or to None, not {value!r}")
            holder[name] = None
        else:
            object.__setattr__(self, name, value)

    # --- state ------------------------------------------------------------------------------------------------------

    def state_dict(
        self, destination: Any = None, include_sublayers: bool = True, structured_name_prefix: str = ""
    ) -> OrderedDict[str, Any]:
        """Return the parameters, those of sub-layers included, by their names from the layer down."""
        state = OrderedDict() if destination is None else destination
        for name, parameter in self._parameters.items():
            if parameter is not None:
                state[structured_name_prefix + name] = parameter
        if include_sublayers:
            for name, layer in self._sub_layers.items():
                if layer is not None:
                    state.update(layer.state_dict(None, True, f"{structured_name_prefix}{name}."))
        return state

    def set_dict(self, stat_dict: Any, include_sublayers: bool = True, use_structured_name: bool = True) -> None:
        """Give the parameters the values in `stat_dict`, as `state_dict` or `load_dygraph` returned it.

        Args:
            use_structured_name: the keys are names from the layer down; those of the parameters themselves where False.

        Raises:
            RuntimeError: there is no value for a parameter.
            AssertionError: a value has another shape or dtype.
        """
        self.load_dict(stat_dict, include_sublayers, use_structured_name)

    def load_dict(self, stat_dict: Any, include_sublayers: bool = True, use_structured_name: bool = True) -> None:
        """`set_dict` under its other name."""
        own = self.state_dict()
        waiting = self._leave_for_later(stat_dict)
        for name, parameter in own.items():
            key = name if use_structured_name else parameter.name
            if key not in stat_dict:
                raise RuntimeError(
                    f"no value for the parameter {key} of {self._full_name}: the state is another model's"
                )
            parameter.set_value(stat_dict[key])
        unused = [key for key in stat_dict if key not in own and not key.startswith(waiting)]
        if unused and use_structured_name:
            warnings.warn(f"not used, as {self._full_name} has no such parameters: {' '.join(unused)}", stacklevel=2)

    set_state_dict = load_dict

    def _leave_for_later(self, state: Any) -> tuple[str, ...]:
        """Give the layers that make their parameters when they are called first what is theirs; return its prefixes."""
        prefixes = []
        for path, layer in self.named_sublayers(include_self=True):
            if "_waiting" in layer.__dict__:
                prefix = f"{path}." if path else ""
                layer._loaddict_holder = {
                    key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)
                }
                prefixes.append(prefix)
        return tuple(prefixes)

    def _take_waiting_state(self) -> None:
        """Take over the state that came before there were parameters."""
        if self._loaddict_holder:
            self.load_dict(self._loaddict_holder)
            self._loaddict_holder = OrderedDict()
