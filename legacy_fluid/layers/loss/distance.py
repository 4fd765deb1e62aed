"""Losses of distances and orders."""

from __future__ import annotations

from typing import Any

from ... import core
from ...data_feeder import check_variable_and_dtype
from ...framework import Variable
from ...initializer import Constant
from ...layer_helper import LayerHelper
from ..layer_function_generator import operator
from ..nn import expand, matmul, reduce_mean, reduce_sum, reshape, transpose
from ..ops import square
from ..tensor import fill_constant
from ..utils import FLOATS, Composer
from .entropy import softmax_with_cross_entropy

__all__ = [
    "center_loss",
    "huber_loss",
    "margin_rank_loss",
    "mse_loss",
    "npair_loss",
    "rank_loss",
    "square_error_cost",
]


def square_error_cost(input: Any, label: Any) -> Any:
    """Return (input - label)^2, element by element."""
    check_variable_and_dtype(input, "input", FLOATS, "square_error_cost")
    check_variable_and_dtype(label, "label", FLOATS, "square_error_cost")
    append = Composer(LayerHelper("square_error_cost"))
    return append("square", {"X": append("elementwise_sub", {"X": input, "Y": label})})


def mse_loss(input: Any, label: Any) -> Any:
    """Return the mean of (input - label)^2, shape (1,)."""
    check_variable_and_dtype(input, "input", FLOATS, "mse_loss")
    check_variable_and_dtype(label, "label", FLOATS, "mse_loss")
    return reduce_mean(square_error_cost(input, label))


@operator(
    "huber_loss",
    inputs={"X": "input", "Y": "label"},
    outputs={"Residual": None, "Out": None},
    intermediate=("Residual",),
    dtypes=FLOATS,
)
def huber_loss(input, label, delta):
    """Return (label - input)^2 / 2 where within `delta`, and delta * (|label - input| - delta / 2) beyond."""


@operator(
    "rank_loss", inputs={"Label": "label", "Left": "left", "Right": "right"}, outputs={"Out": "float32"},
    dtypes=("float32",),
)  # fmt: skip
def rank_loss(label, left, right, name=None):
    """Return log(1 + exp(left - right)) - label * (left - right): how wrong two scores order a pair (RankNet).

    Args:
        label: 1 where left goes before right, 0 where after; all [N, 1].
    """


def margin_rank_loss(label: Any, left: Any, right: Any, margin: float = 0.1, name: str | None = None) -> Any:
    """Return max(0, margin - label * (left - right)).

    Args:
        label: 1 where left goes before right, -1 where after; all [N, 1].
    """
    for argument, variable in (("label", label), ("left", left), ("right", right)):
        check_variable_and_dtype(variable, argument, ["float32"], "margin_rank_loss")
    append = Composer(LayerHelper("margin_rank_loss", name=name))
    out = append.new(left.dtype)
    # The core has lost the operator.
    difference = append("elementwise_sub", {"X": left, "Y": right})
    product = append("elementwise_mul", {"X": difference, "Y": label})
    return append("relu", {"X": append("scale", {"X": product}, scale=-1.0, bias=float(margin))}, out=out)


def npair_loss(anchor: Any, positive: Any, labels: Any, l2_reg: float = 0.002) -> Any:
    """Return the loss of pairs of which each is told from the others' (N-pair loss, NIPS 2016), shape (1,).

    Args:
        anchor, positive: embeddings [N, D]; N is known.
        labels: class numbers [N].
        l2_reg: weight of the embeddings' squared length.
    """
    for argument, variable, dtypes in (
        ("anchor", anchor, FLOATS),
        ("positive", positive, FLOATS),
        ("labels", labels, (*FLOATS, "int64")),
    ):
        check_variable_and_dtype(variable, argument, dtypes, "npair_loss")
    number = labels.shape[0]
    labels = expand(reshape(labels, shape=[number, 1], inplace=True), expand_times=[1, number])
    alike = _equal(labels, transpose(labels, perm=[1, 0])).astype("float32")
    wanted = alike / reduce_sum(alike, dim=1, keep_dim=True)
    lengths = reduce_mean(reduce_sum(square(anchor), 1)) + reduce_mean(reduce_sum(square(positive), 1))
    penalty = lengths * 0.25 * l2_reg
    similarity = matmul(anchor, positive, transpose_x=False, transpose_y=True)
    cost = softmax_with_cross_entropy(logits=similarity, label=wanted, soft_label=True)
    return penalty + reduce_mean(reduce_sum(wanted * cost, 0))


@operator("equal", inputs={"X": "x", "Y": "y"}, outputs={"Out": "bool"}, stop_gradient=("Out",))
def _equal(x, y):
    """Return where x equals y."""


def center_loss(
    input: Any, label: Any, num_classes: int, alpha: Any, param_attr: Any, update_center: bool = True
) -> Any:
    """Return half the squared distance of each embedding from its class's centre (Wen et al., ECCV 2016), [N, 1].

    Args:
        input: embeddings [N, D].
        label: int64 class numbers [N, 1].
        alpha: how fast a centre follows: a float, or a Variable of shape (1,).
        param_attr: of the centres [num_classes, D], which the layer itself moves and no optimizer does.
        update_center: whether it does.
    """
    helper = LayerHelper("center_loss")
    dtype = input.dtype
    centers = helper.create_parameter(attr=param_attr, shape=[num_classes, input.shape[1]], dtype=dtype)
    centers.stop_gradient = True
    if not isinstance(alpha, Variable):
        assert isinstance(alpha, float), f"center_loss: alpha is a float or a Variable, not {alpha!r}"
        alpha = helper.create_variable(
            name="centerloss_alpha",
            shape=[1],
            dtype="float32",
            type=core.VarDesc.VarType.LOD_TENSOR,
            persistable=True,
            stop_gradient=True,
            initializer=Constant(alpha),
        )
    append = Composer(helper)
    difference, loss = append.new(dtype), append.new(dtype)
    # The core has lost the operator.
    index = append.reshaped(label, [-1])
    append("elementwise_sub", {"X": input, "Y": append("gather", {"X": centers, "Index": index})}, out=difference)
    append("scale", {"X": append.total(append("square", {"X": difference}), dim=1)}, out=loss, scale=0.5)
    if update_center:
        _move_centers(append, centers, index, difference, alpha)
    return loss


def _move_centers(append: Composer, centers: Any, index: Any, difference: Any, alpha: Any) -> None:
    """Add to each centre alpha * sum of its differences / (1 + their number)."""
    ones = append("fill_constant_batch_size_like", {"Input": difference}, shape=[-1, 1], value=1.0)
    zeros = append("fill_zeros_like", {"X": centers})
    one_each = fill_constant([centers.shape[0], 1], centers.dtype, 1.0)
    places = append.reshaped(index, [-1, 1])
    total = append("scatter_nd_add", {"X": zeros, "Index": places, "Updates": difference})
    number = append("scatter_nd_add", {"X": one_each, "Index": places, "Updates": ones})
    for tensor in (ones, zeros, total, number):
        tensor.stop_gradient = True
    step = append("elementwise_mul", {"X": append("elementwise_div", {"X": total, "Y": number}), "Y": alpha})
    append("elementwise_add", {"X": centers, "Y": step}, out=centers)
