"""`fluid.contrib.layers.metric_op`: sums over all mini-batches, from which scores of click prediction follow."""

from __future__ import annotations

from typing import Any

from ...initializer import Constant
from ...layer_helper import LayerHelper

__all__ = ["ctr_metric_bundle"]


def ctr_metric_bundle(input: Any, label: Any) -> tuple[Any, ...]:
    """Return sums so far: squared errors, absolute errors, predictions, sigmoids of them, labels, and samples.

    Args:
        input, label: predicted probabilities and labels, float32, (N, 1).
    """
    assert input.shape == label.shape, f"ctr_metric_bundle: {input.shape} and {label.shape} are one shape"
    helper = LayerHelper("ctr_metric_bundle", input=input)

    def variable(shape: list[int], persistable: bool = False) -> Any:
        return helper.create_global_variable(persistable=persistable, dtype="float32", shape=shape)

    absolute, squared, predicted, sigmoids, positive, samples = sums = [variable([1], True) for _ in range(6)]
    errors, sigmoid, ones = (variable([-1]) for _ in range(3))
    of_batch = [variable([1]) for _ in sums]
    for var in (*sums, *of_batch):
        helper.set_variable_initializer(var, Constant(value=0.0, force_cpu=True))

    def append(op_type: str, out: Any, attrs: dict[str, Any] | None = None, **inputs: Any) -> None:
        helper.append_op(type=op_type, inputs=inputs, outputs={"Out": [out]}, attrs=attrs)

    append("elementwise_sub", errors, X=[input], Y=[label])
    append("sigmoid", sigmoid, X=[input])
    append("fill_constant_batch_size_like", ones, {"shape": [-1, 1], "dtype": ones.dtype, "value": 1.0}, Input=[label])
    steps = {
        "squared_l2_norm": [(errors, squared)],
        "l1_norm": [(errors, absolute)],
        "reduce_sum": [(input, predicted), (sigmoid, sigmoids), (label, positive), (ones, samples)],
    }
    for op_type, pairs in steps.items():
        for source, total in pairs:
            part = of_batch.pop()
            append(op_type, part, {"reduce_all": True} if op_type == "reduce_sum" else None, X=[source])
            append("elementwise_add", total, X=[part], Y=[total])
    return squared, absolute, predicted, sigmoids, positive, samples
