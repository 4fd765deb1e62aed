"""Operators that the core has lost, as programs in files of 1.8 have them: what the layer of each is composed of.

Only what inference runs is here; the gradients of these operators belong to the operators that compose them.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from .composition import composed
from .site import Site

Named = dict[str, Any]

# (fluid.layers, input slot -> Variable, attribute -> value) -> output slot -> Variable
Composition = Callable[[ModuleType, Named, Named], Named]


def _compose(site: Site) -> None:
    """Put what the layer makes in the place of the operator, to be lowered in its turn."""
    from .. import layers  # which is made of all this

    op = site.op
    attrs = {name: op.attr(name) for name in op.attr_names()}
    with composed(site) as block:
        inputs = {slot: block._var_recursive(op.input(slot)[0]) for slot in op.input_names() if op.input(slot)}
        for slot, result in _COMPOSITIONS[op.type()](layers, inputs, attrs).items():
            if slot in op.output_names():
                block.append_op(type="assign", inputs={"X": [result]}, outputs={"Out": op.output(slot)})


def _filter_by_instag(layers: ModuleType, x: Named, a: Named) -> Named:
    chosen = layers.filter_by_instag(x["Ins"], x["Ins_tag"], x["Filter_tag"], a["is_lod"], a["out_val_if_empty"])
    return dict(zip(("Out", "LossWeight"), chosen, strict=True))


def _gaussian_random_batch_size_like(layers: ModuleType, x: Named, a: Named) -> Named:
    given = {name: a[name] for name in ("shape", "input_dim_idx", "output_dim_idx", "mean", "std", "seed")}
    return {"Out": layers.gaussian_random_batch_size_like(x["Input"], **given)}


def _lstm_unit(layers: ModuleType, x: Named, a: Named) -> Named:
    from ..layers.rnn.fused import next_of_lstm

    return dict(zip("HC", next_of_lstm(x["X"], x["C_prev"], a["forget_bias"]), strict=True))


def _lstmp(layers: ModuleType, x: Named, a: Named) -> Named:
    from ..layers.rnn.lstmp import lstmp

    projection, cell = lstmp(
        x["Input"],
        x["Weight"],
        x["ProjWeight"],
        x["Bias"],
        x.get("H0"),
        x.get("C0"),
        use_peepholes=a["use_peepholes"],
        is_reverse=a["is_reverse"],
        activations=tuple(a[f"{part}_activation"] for part in ("gate", "cell", "candidate", "proj")),
        cell_clip=a["cell_clip"],
        proj_clip=a["proj_clip"],
    )
    return {"Projection": projection, "Cell": cell}


def _mean_iou(layers: ModuleType, x: Named, a: Named) -> Named:
    scores = layers.mean_iou(x["Predictions"], x["Labels"], a["num_classes"])
    return dict(zip(("OutMeanIou", "OutWrong", "OutCorrect"), scores, strict=True))


def _prroi_pool(layers: ModuleType, x: Named, a: Named) -> Named:
    given = {name: a[name] for name in ("spatial_scale", "pooled_height", "pooled_width")}
    return {"Out": layers.prroi_pool(x["X"], x["ROIs"], batch_roi_nums=x.get("BatchRoINums"), **given)}


def _smooth_l1(layers: ModuleType, x: Named, a: Named) -> Named:
    return {"Out": layers.smooth_l1(x["X"], x["Y"], x.get("InsideWeight"), x.get("OutsideWeight"), a["sigma"])}


def _target_assign(layers: ModuleType, x: Named, a: Named) -> Named:
    assigned = layers.target_assign(x["X"], x["MatchIndices"], x.get("NegIndices"), a["mismatch_value"])
    return dict(zip(("Out", "OutWeight"), assigned, strict=True))


def _tree_conv(layers: ModuleType, x: Named, a: Named) -> Named:
    from ..dygraph.nn.tree import convolve

    return {"Out": convolve(x["NodesVector"], x["EdgeSet"], x["Filter"], a["max_depth"])}


_COMPOSITIONS: dict[str, Composition] = {
    "cos_sim": lambda layers, x, _: {"Out": layers.cos_sim(x["X"], x["Y"])},
    "diag": lambda layers, x, _: {"Out": layers.diag(x["Diagonal"])},
    "expand_as": lambda layers, x, _: {"Out": layers.expand_as(x["X"], x["target_tensor"])},
    "filter_by_instag": _filter_by_instag,
    "flatten": lambda layers, x, a: {"Out": layers.flatten(x["X"], a["axis"])},
    "gaussian_random_batch_size_like": _gaussian_random_batch_size_like,
    "isfinite": lambda layers, x, _: {"Out": layers.isfinite(x["X"])},
    "lstm_unit": _lstm_unit,
    "lstmp": _lstmp,
    "margin_rank_loss": lambda layers, x, a: {
        "Out": layers.margin_rank_loss(x["Label"], x["X1"], x["X2"], a["margin"])
    },
    "mean_iou": _mean_iou,
    "one_hot": lambda layers, x, a: {
        "Out": layers.one_hot(x["X"], x.get("depth_tensor", a["depth"]), a.get("allow_out_of_range", False))
    },
    "pad_constant_like": lambda layers, x, a: {"Out": layers.pad_constant_like(x["X"], x["Y"], a["pad_value"])},
    "prroi_pool": _prroi_pool,
    "sigmoid_focal_loss": lambda layers, x, a: {
        "Out": layers.sigmoid_focal_loss(x["X"], x["Label"], x["FgNum"], a["gamma"], a["alpha"])
    },
    "smooth_l1_loss": _smooth_l1,
    "space_to_depth": lambda layers, x, a: {"Out": layers.space_to_depth(x["X"], a["blocksize"])},
    "squeeze": lambda layers, x, a: {"Out": layers.squeeze(x["X"], a["axes"])},
    "target_assign": _target_assign,
    "tree_conv": _tree_conv,
    "unsqueeze": lambda layers, x, a: {"Out": layers.unsqueeze(x["X"], a["axes"])},
}

RULES: dict[str, Callable[[Site], None]] = dict.fromkeys(_COMPOSITIONS, _compose)
