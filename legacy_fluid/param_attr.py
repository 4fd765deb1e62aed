"""`fluid.param_attr`: what a layer is told about a parameter it creates."""

from __future__ import annotations

from typing import Any

from paddle.base import param_attr as _param_attr

from .data_feeder import check_type
from .initializer import Constant, Initializer, Xavier
from .regularizer import WeightDecayRegularizer

__all__ = ["ParamAttr", "WeightNormParamAttr"]


class ParamAttr(_param_attr.ParamAttr):
    """Name, initial value, learning rate, decay and trainability of a parameter.

    Args:
        name: of the parameter; generated where None. Layers given one name share one parameter.
        initializer: Initializer; the layer's own default where None.
        learning_rate: factor on the optimizer's learning rate.
        regularizer: WeightDecayRegularizer, instead of the optimizer's.
        trainable: whether the optimizer updates it.
        do_model_average: whether ModelAverage includes it.

    Raises:
        TypeError: an argument has another type.
        ValueError: the name is empty.
    """

    def __init__(
        self,
        name: str | None = None,
        initializer: Initializer | None = None,
        learning_rate: float = 1.0,
        regularizer: WeightDecayRegularizer | None = None,
        trainable: bool = True,
        do_model_average: bool = True,
    ) -> None:
        check_type(name, "name", (str, type(None)), "ParamAttr")
        check_type(learning_rate, "learning_rate", (float, int), "ParamAttr")
        check_type(trainable, "trainable", bool, "ParamAttr")
        check_type(do_model_average, "do_model_average", bool, "ParamAttr")
        if name == "":
            raise ValueError("the name of a ParamAttr is not empty: leave it out for one that is generated")
        self.name = name
        self.initializer = initializer
        self.learning_rate = learning_rate
        self.regularizer = regularizer
        self.trainable = trainable
        self.do_model_average = do_model_average
        self.need_clip = True

    def _set_default_param_initializer(self) -> None:
        self._set_default_initializer(Xavier())

    def _set_default_bias_initializer(self) -> None:
        self._set_default_initializer(Constant(0.0))

    @staticmethod
    def _to_attr(arg: Any) -> Any:
        """Return the ParamAttr that `arg` abbreviates, a list of them, or False for no parameter at all."""
        if arg is None:
            return ParamAttr()
        if isinstance(arg, list | tuple):
            return [ParamAttr._to_attr(item) for item in arg]
        if isinstance(arg, _param_attr.ParamAttr):
            return arg
        if isinstance(arg, str):
            return ParamAttr(name=arg)
        if isinstance(arg, Initializer):
            return ParamAttr(initializer=arg)
        if isinstance(arg, WeightDecayRegularizer):
            return ParamAttr(regularizer=arg)
        if isinstance(arg, bool):
            return ParamAttr._to_attr(None) if arg else False
        raise TypeError(f"{type(arg)} cast to ParamAttr")


class WeightNormParamAttr(ParamAttr):
    """A parameter as its direction times its length, which are learned apart (Salimans and Kingma, arXiv:1602.07868).

    Args:
        dim: the dimension whose slices have a length each; one length for all where None.
    """

    params_with_weight_norm: list[Any] = []  # noqa: RUF012  shared, as in fluid

    def __init__(
        self,
        dim: int | None = None,
        name: str | None = None,
        initializer: Initializer | None = None,
        learning_rate: float = 1.0,
        regularizer: WeightDecayRegularizer | None = None,
        trainable: bool = True,
        do_model_average: bool = False,
    ) -> None:
        super().__init__(name, initializer, learning_rate, regularizer, trainable, do_model_average)
        self.dim = dim
