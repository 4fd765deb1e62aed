"""`fluid.initializer`: operators that give a parameter its first value, prepended to the startup program.

Bilinear, MSRA and Xavier follow Long et al. (arXiv:1411.4038), He et al. (arXiv:1502.01852) and Glorot and Bengio (AISTATS 2010).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from paddle.nn.initializer import Initializer as _Initializer

from . import core
from .framework import in_dygraph_mode

__all__ = [
    "MSRA",
    "Bilinear",
    "BilinearInitializer",
    "Constant",
    "ConstantInitializer",
    "MSRAInitializer",
    "Normal",
    "NormalInitializer",
    "NumpyArrayInitializer",
    "TruncatedNormal",
    "TruncatedNormalInitializer",
    "Uniform",
    "UniformInitializer",
    "Xavier",
    "XavierInitializer",
]

_INT32, _FP32 = core.VarDesc.VarType.INT32, core.VarDesc.VarType.FP32


class Initializer(_Initializer):
    """Base: `__call__(var, block)` puts the operator that fills `var` at the head of `block`."""

    def __call__(self, param: Any, block: Any = None) -> Any:
        raise NotImplementedError

    def _prepend(self, op_type: str, var: Any, block: Any, attrs: dict[str, Any]) -> Any:
        block = self._check_block(block)
        op = block._prepend_op(type=op_type, outputs={"Out": var}, attrs=attrs, stop_gradient=True)
        if not in_dygraph_mode():
            var.op = op
        return op

    def _fill(self, op_type: str, var: Any, block: Any, **attrs: Any) -> Any:
        return self._prepend(op_type, var, block, {"shape": var.shape, "dtype": int(var.dtype), **attrs})

    def _seed(self, block: Any) -> int:
        return self._seed_value or self._check_block(block).program.random_seed

    _seed_value = 0


class ConstantInitializer(Initializer):
    """Fill with `value`."""

    def __init__(self, value: float = 0.0, force_cpu: bool = False) -> None:
        self.value = value
        self._force_cpu = force_cpu

    def __call__(self, param: Any, block: Any = None) -> Any:
        return self._fill("fill_constant", param, block, value=float(self.value), force_cpu=self._force_cpu or _on_cpu)


class UniformInitializer(Initializer):
    """Draw from the uniform distribution over [low, high)."""

    def __init__(
        self,
        low: float = -1.0,
        high: float = 1.0,
        seed: int = 0,
        diag_num: int = 0,
        diag_step: int = 0,
        diag_val: float = 1.0,
    ) -> None:
        self._low, self._high, self._seed_value = low, high, seed
        self._diagonal = {"diag_num": diag_num, "diag_step": diag_step, "diag_val": diag_val}

    def __call__(self, param: Any, block: Any = None) -> Any:
        limits = {"min": self._low, "max": self._high, "seed": self._seed(block)}
        return self._fill("uniform_random", param, block, **limits, **self._diagonal)


class NormalInitializer(Initializer):
    """Draw from the normal distribution with mean `loc` and standard deviation `scale`."""

    def __init__(self, loc: float = 0.0, scale: float = 1.0, seed: int = 0) -> None:
        self._mean, self._std_dev, self._seed_value = loc, scale, seed

    def __call__(self, param: Any, block: Any = None) -> Any:
        return self._fill("gaussian_random", param, block, mean=self._mean, std=self._std_dev, seed=self._seed(block))


class TruncatedNormalInitializer(NormalInitializer):
    """Draw from the normal distribution cut off at two standard deviations."""

    def __call__(self, param: Any, block: Any = None) -> Any:
        return self._fill(
            "truncated_gaussian_random", param, block, mean=self._mean, std=self._std_dev, seed=self._seed(block)
        )


class _FanInitializer(Initializer):
    """Draw with a spread that the numbers of inputs and outputs of the layer decide."""

    _uniform: bool

    def _spread(self, fan_in: float, fan_out: float) -> float:
        """Return the variance wanted, for `fan_in` inputs and `fan_out` outputs."""
        raise NotImplementedError

    def __call__(self, param: Any, block: Any = None) -> Any:
        std = math.sqrt(self._spread(*self._compute_fans(param)))
        if self._uniform:
            limit = std * math.sqrt(3.0)
            return self._fill("uniform_random", param, block, min=-limit, max=limit, seed=self._seed(block))
        return self._fill("gaussian_random", param, block, mean=0.0, std=std, seed=self._seed(block))


class XavierInitializer(_FanInitializer):
    """Keep the variance of activations and gradients alike: 2 / (fan_in + fan_out)."""

    def __init__(
        self, uniform: bool = True, fan_in: float | None = None, fan_out: float | None = None, seed: int = 0
    ) -> None:
        self._uniform, self._fan_in, self._fan_out, self._seed_value = uniform, fan_in, fan_out, seed

    def _spread(self, fan_in: float, fan_out: float) -> float:
        fan_in = fan_in if self._fan_in is None else self._fan_in
        fan_out = fan_out if self._fan_out is None else self._fan_out
        return 2.0 / (fan_in + fan_out)


class MSRAInitializer(_FanInitializer):
    """Keep the variance of activations through rectifiers: 2 / fan_in."""

    def __init__(self, uniform: bool = True, fan_in: float | None = None, seed: int = 0) -> None:
        self._uniform, self._fan_in, self._seed_value = uniform, fan_in, seed

    def _spread(self, fan_in: float, fan_out: float) -> float:
        return 2.0 / (fan_in if self._fan_in is None else self._fan_in)


class NumpyArrayInitializer(Initializer):
    """Copy a NumPy array."""

    def __init__(self, value: np.ndarray) -> None:
        if not isinstance(value, np.ndarray):
            raise TypeError(f"NumpyArrayInitializer takes a numpy.ndarray, not {type(value).__name__}")
        self._value = value

    def __call__(self, param: Any, block: Any = None) -> Any:
        value = self._value
        if param.dtype == _INT32 or str(value.dtype) == "int32":
            key, values = "int32_values", [int(v) for v in value.flat]
        else:
            key, values = "fp32_values", [float(v) for v in value.flat]
        return self._prepend(
            "assign_value", param, block, {"dtype": int(param.dtype), "shape": list(value.shape), key: values}
        )


class BilinearInitializer(Initializer):
    """Make a transposed convolution upsample by linear interpolation; for a 4-D square filter."""

    def __call__(self, param: Any, block: Any = None) -> Any:
        shape = param.shape
        if len(shape) != 4 or shape[2] != shape[3]:
            raise ValueError(f"Bilinear initialises a filter of shape [c_out, c_in, k, k], not {tuple(shape)}")
        size = shape[3]
        factor = math.ceil(size / 2.0)
        centre = (2 * factor - 1 - factor % 2) / (2.0 * factor)
        index = np.arange(math.prod(shape))
        # 1.8 took the row as (i / size) % size with a true division, and so in fractions; models were trained with that.
        column, row = index % size, (index / size) % size
        weight = (1 - np.abs(column / factor - centre)) * (1 - np.abs(row / factor - centre))
        weight = weight.astype("float32").reshape(shape)
        return NumpyArrayInitializer(weight)(param, block)


Constant = ConstantInitializer
Uniform = UniformInitializer
Normal = NormalInitializer
TruncatedNormal = TruncatedNormalInitializer
Xavier = XavierInitializer
MSRA = MSRAInitializer
Bilinear = BilinearInitializer


# --- of 1.5 and 1.6: constants that are made in the CPU's memory whatever the place ---

_on_cpu = False


def force_init_on_cpu() -> bool:
    """Say whether `init_on_cpu` is in force."""
    return _on_cpu


@contextmanager
def init_on_cpu() -> Iterator[None]:
    """Within it, constants are made in the CPU's memory."""
    global _on_cpu
    before, _on_cpu = _on_cpu, True
    try:
        yield
    finally:
        _on_cpu = before
