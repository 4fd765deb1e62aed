"""Layers that act on each element: Dropout and PRelu."""

from __future__ import annotations

from typing import Any

from ... import core
from ...data_feeder import check_variable_and_dtype
from ...framework import default_main_program, in_dygraph_mode
from ...initializer import Constant
from . import signatures_of_1_5 as old
from .operator_layer import OperatorLayer, as_in_1_5

__all__ = ["Dropout", "PRelu"]


class Dropout(OperatorLayer):
    """Set each element to zero with probability `p` in training.

    Args:
        seed: of the draw; a new draw each time where None.
        dropout_implementation: "downgrade_in_infer" multiplies by 1 - p in inference, "upscale_in_train" divides by
            1 - p in training.
    """

    def __init__(
        self,
        p: float = 0.5,
        seed: int | None = None,
        dropout_implementation: str = "downgrade_in_infer",
        is_test: bool = False,
    ) -> None:
        super().__init__()
        assert isinstance(p, float | int) and 0 <= p <= 1, f"p is a number from 0 to 1, not {p!r}"
        assert seed is None or isinstance(seed, int), f"seed is None or an integer, not {seed!r}"
        kinds = ("downgrade_in_infer", "upscale_in_train")
        assert dropout_implementation in kinds, (
            f"dropout_implementation is one of {kinds}, not {dropout_implementation}"
        )
        self._dropout_prob, self._seed = p, seed
        self._dropout_implementation = dropout_implementation
        self._is_test = is_test

    def forward(self, input: Any) -> Any:
        self._seed = self._seed or default_main_program().random_seed or self._seed
        attrs = {
            "dropout_prob": self._dropout_prob,
            "is_test": not self.training if in_dygraph_mode() else self._is_test,
            "fix_seed": self._seed is not None,
            "seed": self._seed or 0,
            "dropout_implementation": self._dropout_implementation,
        }
        return self._append("dropout", {"X": input}, attrs, Out=None, Mask=core.VarDesc.VarType.UINT8)


def _take_shapes(given: dict[str, Any], inputs: tuple[Any, ...]) -> None:
    given |= {"channel": inputs[0].shape[1], "input_shape": inputs[0].shape}


@as_in_1_5(old.prelu, _take_shapes, names=("all", "channel", "element"))
class PRelu(OperatorLayer):
    """max(0, x) + weight * min(0, x).

    Args:
        mode: "all" has one weight, "channel" one for each channel, "element" one for each element of a sample.
        channel: their number, for "channel".
        input_shape: [N, ...], for "element".
    """

    def __init__(
        self,
        mode: str,
        channel: int | None = None,
        input_shape: Any = None,
        param_attr: Any = None,
        dtype: str = "float32",
    ) -> None:
        super().__init__(name_scope="prelu")
        self._mode, self._param_attr, self._dtype = mode, param_attr, dtype
        if mode == "all":
            self._alpha_shape = [1]
        elif mode == "channel":
            assert isinstance(channel, int), f"PRelu of mode 'channel' needs the number of channels, not {channel!r}"
            self._alpha_shape = [1, channel, 1, 1]
        elif mode == "element":
            assert isinstance(input_shape, list | tuple), (
                f"PRelu of mode 'element' needs input_shape, not {input_shape!r}"
            )
            self._alpha_shape = [1, *input_shape[1:]]
        else:
            raise ValueError(f"mode is 'all', 'channel' or 'element', not {mode!r}")
        self.weight = self.create_parameter(self._alpha_shape, param_attr, "float32", False, Constant(1.0))

    def forward(self, input: Any) -> Any:
        check_variable_and_dtype(input, "input", ["float32"], "PRelu")
        return self._append("prelu", {"X": input, "Alpha": self.weight}, {"mode": self._mode})
