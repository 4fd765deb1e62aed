"""`fluid.layers.distributions`: distributions to sample from, and their entropies and divergences as Variables."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..data_feeder import check_type, check_variable_and_dtype
from ..framework import Variable
from . import nn
from .control_flow import less_than
from .nn import (
    elementwise_pow,
    gaussian_random,
    log,
    matmul,
    reduce_max,
    reduce_prod,
    reduce_sum,
    reshape,
    uniform_random,
    uniform_random_batch_size_like,
)
from .ops import exp
from .tensor import assign, cast, create_tensor, diag, fill_constant_batch_size_like, ones, zeros

__all__ = ["Categorical", "MultivariateNormalDiag", "Normal", "Uniform"]

_NUMBERS = (float, np.ndarray, Variable, list)
_ARRAYS = (np.ndarray, Variable, list)


class Distribution:
    """What all distributions offer; each defines the part that it has.

    Parameters are all Variables, or none of them is: numbers, lists and arrays, which are broadcast to one shape and
    held as float32.
    """

    def sample(self) -> Any:
        """Return random values."""
        raise NotImplementedError(f"{type(self).__name__} has no sample")

    def entropy(self) -> Any:
        """Return the entropy in nats."""
        raise NotImplementedError(f"{type(self).__name__} has no entropy")

    def kl_divergence(self, other: Any) -> Any:
        """Return the divergence from `other` in nats."""
        raise NotImplementedError(f"{type(self).__name__} has no kl_divergence")

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the probability, or of its density, at `value`."""
        raise NotImplementedError(f"{type(self).__name__} has no log_prob")

    def _validate_args(self, *args: Any) -> bool:
        """Say whether the parameters are Variables. Raises ValueError where some are and some are not."""
        are_variables = {isinstance(arg, Variable) for arg in args}
        if len(are_variables) > 1:
            raise ValueError(f"the parameters of {type(self).__name__} are all Variables, or none of them is")
        return are_variables == {True}

    def _to_variable(self, *args: Any) -> tuple[Any, ...]:
        arrays = [np.array([arg] if isinstance(arg, float) else arg) for arg in args]
        if any(array.dtype != np.float32 for array in arrays):
            warnings.warn(f"the parameters of {type(self).__name__} are converted to float32", stacklevel=3)
        variables = []
        for array in np.broadcast_arrays(*[array.astype("float32") for array in arrays]):
            variable = create_tensor(dtype="float32")
            assign(np.array(array), variable)
            variables.append(variable)
        return tuple(variables)


class Uniform(Distribution):
    """The uniform distribution over [low, high).

    Args:
        low, high: floats, lists, arrays, or two Variables.

    Raises:
        TypeError: a parameter is none of those.
        ValueError: one parameter is a Variable and the other is not.
    """

    def __init__(self, low: Any, high: Any) -> None:
        for name, value in (("low", low), ("high", high)):
            check_type(value, name, _NUMBERS, "Uniform")
        self.all_arg_is_float = isinstance(low, float) and isinstance(high, float)
        self.batch_size_unknown = self._validate_args(low, high)
        self.low, self.high = (low, high) if self.batch_size_unknown else self._to_variable(low, high)

    def sample(self, shape: list[int], seed: int = 0) -> Any:
        """Return random values of shape `shape` + the parameters' shape; of `shape` alone for float parameters."""
        check_type(shape, "shape", list, "sample")
        check_type(seed, "seed", int, "sample")
        batch_shape = list((self.low + self.high).shape)
        if self.batch_size_unknown:
            zero = fill_constant_batch_size_like(self.low + self.high, batch_shape + shape, self.low.dtype, 0.0)
            unit = uniform_random_batch_size_like(zero, zero.shape, min=0.0, max=1.0, seed=seed)
            return reshape(unit * (zero + self.high - self.low) + self.low, shape + batch_shape)
        # The core's draw is from [-1, 1), as it was in 1.8.5: this interval is wider than the one above.
        unit = uniform_random(shape + batch_shape, seed=seed)
        zero = zeros(shape + batch_shape, dtype=self.low.dtype)
        values = unit * (zero + (self.high - self.low)) + self.low
        return reshape(values, shape) if self.all_arg_is_float else values

    def log_prob(self, value: Any) -> Any:
        """Return log(1 / (high - low)) where value, float32 or float64, is between the two, and -inf elsewhere."""
        check_variable_and_dtype(value, "value", ["float32", "float64"], "log_prob")
        above, below = less_than(self.low, value), less_than(value, self.high)
        inside = cast(above, dtype=value.dtype) * cast(below, dtype=value.dtype)
        return log(inside) - log(self.high - self.low)

    def entropy(self) -> Any:
        """Return log(high - low)."""
        return log(self.high - self.low)


class Normal(Distribution):
    """The normal distribution.

    Args:
        loc, scale: mean and standard deviation: floats, lists, arrays, or two Variables.

    Raises:
        TypeError: a parameter is none of those.
        ValueError: one parameter is a Variable and the other is not.
    """

    def __init__(self, loc: Any, scale: Any) -> None:
        for name, value in (("loc", loc), ("scale", scale)):
            check_type(value, name, _NUMBERS, "Normal")
        self.all_arg_is_float = isinstance(loc, float) and isinstance(scale, float)
        self.batch_size_unknown = self._validate_args(loc, scale)
        self.loc, self.scale = (loc, scale) if self.batch_size_unknown else self._to_variable(loc, scale)

    def sample(self, shape: list[int], seed: int = 0) -> Any:
        """Return random values of shape `shape` + the parameters' shape; of `shape` alone for float parameters."""
        check_type(shape, "shape", list, "sample")
        check_type(seed, "seed", int, "sample")
        batch_shape = list((self.loc + self.scale).shape)
        if self.batch_size_unknown:
            zero = fill_constant_batch_size_like(self.loc + self.scale, batch_shape + shape, self.loc.dtype, 0.0)
            unit = gaussian_random(nn.shape(zero), mean=0.0, std=1.0, seed=seed)
            return reshape(unit * (zero + self.scale) + self.loc, shape + batch_shape)
        unit = gaussian_random(shape + batch_shape, mean=0.0, std=1.0, seed=seed)
        zero = zeros(shape + batch_shape, dtype=self.loc.dtype)
        values = unit * (zero + self.scale) + self.loc
        return reshape(values, shape) if self.all_arg_is_float else values

    def entropy(self) -> Any:
        """Return 1/2 + log(2 pi) / 2 + log(scale)."""
        batch_shape = list((self.loc + self.scale).shape)
        zero = fill_constant_batch_size_like(self.loc + self.scale, batch_shape, self.loc.dtype, 0.0)
        return 0.5 + 0.5 * math.log(2 * math.pi) + log(self.scale + zero)

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density at value, float32 or float64."""
        check_variable_and_dtype(value, "value", ["float32", "float64"], "log_prob")
        variance, log_scale = self.scale * self.scale, log(self.scale)
        squared = (value - self.loc) * (value - self.loc)
        return -1.0 * squared / (2.0 * variance) - log_scale - math.log(math.sqrt(2.0 * math.pi))

    def kl_divergence(self, other: Normal) -> Any:
        """Return the divergence from another Normal."""
        check_type(other, "other", Normal, "kl_divergence")
        ratio = self.scale / other.scale
        variances = ratio * ratio
        distance = (self.loc - other.loc) / other.scale
        return 0.5 * (variances + distance * distance - 1.0 - log(variances))


class Categorical(Distribution):
    """One of K categories; the last dimension of `logits`, a list, an array or a Variable, holds unscaled log odds."""

    def __init__(self, logits: Any) -> None:
        check_type(logits, "logits", _ARRAYS, "Categorical")
        self.logits = logits if self._validate_args(logits) else self._to_variable(logits)[0]

    def kl_divergence(self, other: Categorical) -> Any:
        """Return the divergence from another Categorical; the last dimension becomes 1."""
        check_type(other, "other", Categorical, "kl_divergence")
        ours, theirs = self._below_zero(), other._below_zero()
        weights, other_weights = exp(ours), exp(theirs)
        total, other_total = _sum_of_last(weights), _sum_of_last(other_weights)
        probability = weights / total
        return _sum_of_last(probability * (ours - log(total) - theirs + log(other_total)))

    def entropy(self) -> Any:
        """Return the entropy; the last dimension becomes 1."""
        logits = self._below_zero()
        weights = exp(logits)
        total = _sum_of_last(weights)
        probability = weights / total
        return -1.0 * _sum_of_last(probability * (logits - log(total)))

    def _below_zero(self) -> Any:
        """The logits shifted so that the largest is 0, and no exponential overflows."""
        return self.logits - reduce_max(self.logits, dim=-1, keep_dim=True)


def _sum_of_last(x: Any) -> Any:
    return reduce_sum(x, dim=-1, keep_dim=True)


class MultivariateNormalDiag(Distribution):
    """The normal distribution of vectors whose elements are independent.

    Args:
        loc: means, shape (k,); a list, an array or a Variable, as scale.
        scale: the covariance matrix, shape (k, k), zero off its diagonal.
    """

    def __init__(self, loc: Any, scale: Any) -> None:
        for name, value in (("loc", loc), ("scale", scale)):
            check_type(value, name, _ARRAYS, "MultivariateNormalDiag")
        self.loc, self.scale = (loc, scale) if self._validate_args(loc, scale) else self._to_variable(loc, scale)

    def entropy(self) -> Any:
        """Return the entropy, shape (1,)."""
        return 0.5 * (self.scale.shape[0] * (1.0 + math.log(2 * math.pi)) + log(self._det(self.scale)))

    def kl_divergence(self, other: MultivariateNormalDiag) -> Any:
        """Return the divergence from another MultivariateNormalDiag, shape (1,)."""
        check_type(other, "other", MultivariateNormalDiag, "kl_divergence")
        trace = reduce_sum(self._inv(other.scale) * self.scale)
        distance = other.loc - self.loc
        squared = matmul(matmul(distance, self._inv(other.scale)), other.loc - self.loc)
        volumes = log(self._det(other.scale)) - log(self._det(self.scale))
        return 0.5 * (trace + squared - self.scale.shape[0] + volumes)

    def _det(self, value: Any) -> Any:
        everywhere, diagonal = self._ones(value)
        return reduce_prod(value + everywhere - diagonal)

    def _inv(self, value: Any) -> Any:
        everywhere, diagonal = self._ones(value)
        return elementwise_pow(value, everywhere - 2 * diagonal)

    def _ones(self, value: Any) -> tuple[Any, Any]:
        """Ones in the shape of `value`, and on its diagonal alone."""
        everywhere = ones(shape=list(value.shape), dtype=self.loc.dtype)
        return everywhere, diag(ones(shape=[value.shape[0]], dtype=self.loc.dtype))
