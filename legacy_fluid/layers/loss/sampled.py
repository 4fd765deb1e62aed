"""Losses over so many classes that only some are looked at."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np
from paddle import _C_ops

from ... import core
from ...data_feeder import check_variable_and_dtype
from ...framework import in_dygraph_mode
from ...initializer import NumpyArrayInitializer
from ...layer_helper import LayerHelper
from ...param_attr import ParamAttr
from .. import tensor
from ..utils import FLOATS, Composer

__all__ = ["hsigmoid", "nce", "sampled_softmax_with_cross_entropy"]

_SAMPLERS = {"uniform": 0, "log_uniform": 1, "custom_dist": 2}


def nce(
    input: Any,
    label: Any,
    num_total_classes: int,
    sample_weight: Any = None,
    param_attr: Any = None,
    bias_attr: Any = None,
    num_neg_samples: int | None = None,
    name: str | None = None,
    sampler: str = "uniform",
    custom_dist: Any = None,
    seed: int = 0,
    is_sparse: bool = False,
) -> Any:
    """Return the noise-contrastive estimation loss of each sample (jmlr.org/proceedings/papers/v9/gutmann10a), [N, 1].

    Args:
        input: features [N, D].
        label: int64 class numbers [N, number of true classes].
        sample_weight: [N, 1].
        param_attr, bias_attr: of the weights [num_total_classes, D] and the biases [num_total_classes, 1].
        num_neg_samples: classes drawn for each sample; 10 where None.
        sampler: "uniform", "log_uniform" or "custom_dist".
        custom_dist: the probability of each class, for "custom_dist".
        is_sparse: keep gradients of the weights as the rows that were used.
    """
    helper = LayerHelper("nce", name=name, param_attr=param_attr, bias_attr=bias_attr)
    check_variable_and_dtype(input, "input", FLOATS, "nce")
    check_variable_and_dtype(label, "label", ["int64"], "nce")
    inputs = {"Input": input, "Label": label}
    inputs["Weight"] = helper.create_parameter(
        attr=helper.param_attr, shape=[num_total_classes, input.shape[1]], dtype=input.dtype
    )
    if helper.bias_attr:
        inputs["Bias"] = helper.create_parameter(
            attr=helper.bias_attr, shape=[num_total_classes, 1], dtype=input.dtype, is_bias=True
        )
    if sample_weight is not None:
        inputs["SampleWeight"] = sample_weight
    cost = helper.create_variable_for_type_inference(dtype=input.dtype)
    outputs = {
        "Cost": cost,
        "SampleLogits": helper.create_variable_for_type_inference(dtype=input.dtype),
        "SampleLabels": helper.create_variable_for_type_inference(dtype=label.dtype),
    }
    if sampler not in _SAMPLERS:
        raise Exception(f"nce: sampler is one of {', '.join(_SAMPLERS)}, not {sampler!r}")
    if sampler == "custom_dist":
        inputs |= _custom_distribution(helper, custom_dist, num_total_classes)
    num_neg_samples = 10 if num_neg_samples is None else int(num_neg_samples)
    attrs = {
        "num_total_classes": int(num_total_classes),
        "num_neg_samples": num_neg_samples,
        "seed": seed,
        "sampler": _SAMPLERS[sampler],
        "is_sparse": is_sparse,
        "remote_prefetch": is_sparse,
    }
    helper.append_op(type="nce", inputs=inputs, outputs=outputs, attrs=attrs)
    return cost / (num_neg_samples + 1)


def _custom_distribution(helper: Any, probabilities: Any, number: int) -> dict[str, Any]:
    """Return the inputs that let the operator draw from a distribution, as parameters that are not trained."""
    assert probabilities is not None, "nce: sampler 'custom_dist' needs custom_dist, the probability of each class"
    keep, alias = alias_table([probabilities[index] for index in range(number)])
    tables = {
        "CustomDistProbs": np.array(probabilities, "float32"),
        "CustomDistAlias": np.array(alias, "int32"),
        "CustomDistAliasProbs": np.array(keep, "float32"),
    }
    inputs = {}
    for slot, table in tables.items():
        inputs[slot] = helper.create_parameter(
            attr=ParamAttr(),
            shape=table.shape,
            dtype=table.dtype,
            default_initializer=NumpyArrayInitializer(table),
        )
        inputs[slot].stop_gradient = True
    return inputs


def alias_table(probabilities: list[float]) -> tuple[list[float], list[int]]:
    """Return Walker's tables for drawing: the share of its slot that each class keeps, and who has the rest (-1: none)."""
    shares = [probability * len(probabilities) for probability in probabilities]
    keep, alias = [0.0] * len(shares), [0] * len(shares)
    large = [(index, share) for index, share in enumerate(shares) if share > 1]
    small = [(index, share) for index, share in enumerate(shares) if share < 1]
    for index, share in enumerate(shares):
        if share == 1:
            keep[index], alias[index] = share, -1
    while large and small:
        (giver, surplus), (taker, share) = large.pop(0), small.pop(0)
        keep[taker], alias[taker] = share, giver
        rest = surplus + share - 1
        if rest > 1:
            large.append((giver, rest))
        elif rest < 1:
            small.append((giver, rest))
        else:
            keep[giver], alias[giver] = rest, -1
    # What rounding left over; of each kind 1.8 settles one.
    for index, _ in [*large[:1], *small[:1]]:
        keep[index], alias[index] = 1.0, -1
    return keep, alias


def hsigmoid(
    input: Any,
    label: Any,
    num_classes: int,
    param_attr: Any = None,
    bias_attr: Any = None,
    name: str | None = None,
    path_table: Any = None,
    path_code: Any = None,
    is_custom: bool = False,
    is_sparse: bool = False,
) -> Any:
    """Return the hierarchical softmax loss of each sample, a product of decisions down a binary tree, [N, 1].

    Args:
        input: features [N, D].
        label: int64 class numbers [N, 1].
        num_classes: with a tree of one's own, how many inner nodes it has.
        param_attr, bias_attr: of the weights [nodes, D] and the biases [nodes, 1].
        path_table, path_code: with `is_custom`, the nodes from root to leaf and the decisions there, [N, length].
        is_sparse: keep gradients of the weights as the rows that were used; needs `is_custom`.
    """
    check_variable_and_dtype(input, "input", FLOATS, "hsigmoid")
    check_variable_and_dtype(label, "label", ["int64"], "hsigmoid")
    _check_tree(num_classes, path_table, path_code, is_custom)
    helper = LayerHelper("hierarchical_sigmoid", param_attr=param_attr, bias_attr=bias_attr, name=name)
    out, pre_out = (helper.create_variable_for_type_inference(input.dtype) for _ in range(2))
    nodes = num_classes if is_custom else num_classes - 1
    is_sparse = is_sparse and is_custom
    weights = helper.create_parameter(attr=helper.param_attr, shape=[nodes, input.shape[1]], dtype=input.dtype)
    inputs = {"X": input, "W": weights, "PathTable": path_table, "PathCode": path_code, "Label": label}
    if helper.bias_attr:
        inputs["Bias"] = helper.create_parameter(
            attr=helper.bias_attr, shape=[nodes, 1], dtype=input.dtype, is_bias=True
        )
    if in_dygraph_mode():  # whose entrance to the older operator crashes without a path
        paths = (path_table, path_code, num_classes, is_sparse, is_sparse)
        return _C_ops.hsigmoid_loss(input, label, weights, inputs.get("Bias"), *paths)[0]
    helper.append_op(
        type="hierarchical_sigmoid",
        inputs=inputs,
        outputs={"Out": out, "PreOut": pre_out, "W_Out": weights},
        attrs={"num_classes": num_classes, "is_sparse": is_sparse, "remote_prefetch": is_sparse},
    )
    return out


def _check_tree(num_classes: int | None, path_table: Any, path_code: Any, is_custom: bool) -> None:
    if not is_custom:
        if num_classes is None or num_classes < 2:
            raise ValueError(f"hsigmoid: num_classes is at least 2, not {num_classes}")
        if path_table is not None or path_code is not None:
            raise ValueError("hsigmoid: path_table and path_code go with is_custom=True")
        return
    for argument, given in (("path_code", path_code), ("path_table", path_table), ("num_classes", num_classes)):
        if given is None:
            raise ValueError(f"hsigmoid: is_custom needs {argument}")


def sampled_softmax_with_cross_entropy(
    logits: Any,
    label: Any,
    num_samples: int,
    num_true: int = 1,
    remove_accidental_hits: bool = True,
    use_customized_samples: bool = False,
    customized_samples: Any = None,
    customized_probabilities: Any = None,
    seed: int = 0,
) -> Any:
    """Return the softmax loss over the labels and `num_samples` other classes (arXiv:1412.2007), [N, 1].

    Args:
        logits: [N, number of classes].
        label: int64 class numbers [N, num_true].
        remove_accidental_hits: leave out samples that are a label.
        use_customized_samples: take the classes [N, num_true + num_samples], labels first, and their probabilities from
            `customized_samples` and `customized_probabilities`; otherwise they are drawn log-uniformly, without repetition.
        seed: of the drawing; none where 0.
    """
    append = Composer(LayerHelper("sample_logits"))
    samples, probabilities = customized_samples, customized_probabilities
    if not use_customized_samples:
        samples, probabilities = _draw_classes(append, label, logits.shape[1], num_samples, seed)
    # The core has lost the operator that sampled logits.
    sampled = append("index_sample", {"X": logits, "Index": samples})
    if remove_accidental_hits:
        hits = _accidental_hits(append, label, samples, num_true, num_samples)
        sampled = append("elementwise_sub", {"X": sampled, "Y": append("scale", {"X": hits}, scale=_INFINITE)})
    expected = append("clip", {"X": append("log", {"X": probabilities})}, min=-_INFINITE, max=_INFINITE)
    expected.stop_gradient = True
    sampled = append("elementwise_sub", {"X": sampled, "Y": expected})
    first = append("fill_constant_batch_size_like", {"Input": logits}, of="int64", shape=[-1], dtype=_INT64, value=0.0)
    wanted = append("one_hot_v2", {"X": first}, of="float32", depth=num_samples + 1)
    wanted.stop_gradient = True
    loss = append(
        "softmax_with_cross_entropy",
        {"Logits": sampled, "Label": wanted},
        slot="Loss",
        hidden=("Softmax",),
        soft_label=True,
        numeric_stable_mode=False,
    )
    return loss / num_true


_INT64 = core.VarDesc.VarType.INT64
_INFINITE = 1e20  # what 1.8 took for it
_TINY = 1e-30  # keeps a logarithm finite


def _accidental_hits(append: Composer, label: Any, samples: Any, num_true: int, num_samples: int) -> Any:
    """Return 1 where a sample is one of the labels, and 0 elsewhere, also for the labels themselves; float32."""
    drawn = append("slice", {"Input": samples}, axes=[1], starts=[num_true], ends=[num_true + num_samples])
    row = append.reshaped(drawn, [-1, num_samples, 1])
    equal = append("equal", {"X": row, "Y": append.reshaped(label, [-1, 1, num_true])}, of="bool")
    any_equal = append("reduce_any", {"X": equal}, dim=[2], keep_dim=False, reduce_all=False)
    hits = append("pad", {"X": append.cast(any_equal, "float32")}, paddings=[0, 0, num_true, 0], pad_value=0.0)
    hits.stop_gradient = True
    return hits


def _draw_classes(append: Composer, label: Any, number: int, num_samples: int, seed: int) -> tuple[Any, Any]:
    """Return the labels and classes drawn log-uniformly without repetition, int64 [N, ...], and how likely each was."""

    def probability(classes: Any) -> Any:
        following = append("scale", {"X": append.cast(classes, "float32")}, scale=1.0, bias=1.0)
        share = append("log1p", {"X": append("reciprocal", {"X": following})})
        return append("scale", {"X": share}, scale=1.0 / log(number + 1))

    def log_uniform(size: int) -> Any:
        drawn = append("uniform_random", {}, of="float32", shape=[1, size], min=_TINY, max=1.0, seed=seed)
        return append("log", {"X": drawn})

    # To draw until a new class comes, again and again, is to take the largest of log p + Gumbel noise ...
    every = append.reshaped(tensor.range(0, number, 1, "int64"), [1, number])
    noise = append("log", {"X": append("scale", {"X": log_uniform(number)}, scale=-1.0)})
    scores = append("elementwise_sub", {"X": append("log", {"X": probability(every)}), "Y": noise})
    classes = append("top_k", {"X": scores}, of="int64", slot="Indices", hidden=("Out",), k=num_samples)
    # ... and the draws that were in vain before each are geometric in the share of the classes drawn before it.
    taken = append("cumsum", {"X": probability(classes)}, axis=1, exclusive=True)
    vain = append("elementwise_div", {"X": log_uniform(num_samples), "Y": append("log", {"X": taken})})
    vain = append.total(append("floor", {"X": vain}))
    zeros = append(
        "fill_constant_batch_size_like", {"Input": label}, of="int64", shape=[-1, num_samples], dtype=_INT64, value=0.0
    )
    samples = append("concat", {"X": [label, append("elementwise_add", {"X": zeros, "Y": classes})]}, axis=1)
    likely = _likelihood(append, probability(samples), vain, num_samples)
    samples.stop_gradient = likely.stop_gradient = True
    return samples, likely


def _likelihood(append: Composer, probability: Any, vain: Any, num_samples: int) -> Any:
    """Return how likely a class is among the samples: 1 - (1 - p)^draws, or p times their number if none was in vain."""
    draws = append("scale", {"X": vain}, scale=1.0, bias=float(num_samples))
    never = append("log1p", {"X": append("scale", {"X": probability}, scale=-1.0)})
    ever = append("expm1", {"X": append("elementwise_mul", {"X": never, "Y": draws})})
    ever = append("scale", {"X": ever}, scale=-1.0)
    direct = append("scale", {"X": probability}, scale=float(num_samples))
    some = append("clip", {"X": vain}, min=0.0, max=1.0)
    difference = append("elementwise_mul", {"X": append("elementwise_sub", {"X": ever, "Y": direct}), "Y": some})
    return append("elementwise_add", {"X": direct, "Y": difference})
