"""Every rewriting by value: the rewritten program runs on Paddle, NumPy says what fluid 1.8 gave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from export.conversion.operator_rules import RULES
from export.conversion.paddle_model import PaddleModel, make_model, static_mode
from export.conversion.rewrite import rewrite
from fluidline.errors import DataError

random = np.random.default_rng(7)


def normal(*shape: int) -> np.ndarray:
    return random.standard_normal(shape).astype(np.float32)


@dataclass
class Case:
    """An operator as fluid 1.8 described it, its inputs by slot, and what it gave, by NumPy."""

    inputs: dict[str, np.ndarray]
    expected: Callable[..., np.ndarray]
    attrs: dict[str, Any] = field(default_factory=dict)
    out: str = "Out"
    others: tuple[str, ...] = ()


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def cosine(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x * y).sum(1, keepdims=True) / np.sqrt((x * x).sum(1) * (y * y).sum(1))[:, None]


def local_response(x: np.ndarray) -> np.ndarray:
    padded = np.pad(x**2, ((0, 0), (1, 1), (0, 0), (0, 0)))
    return x / (2.0 + 0.1 * (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:])) ** 0.75


def nearest_aligned(x: np.ndarray) -> np.ndarray:
    rows, columns = (np.floor(np.arange(n) * 5 / (n - 1) + 0.5).astype(int) for n in (9, 13))
    return x[:, :, rows][:, :, :, columns]


def uneven_bins(x: np.ndarray, reduce: Callable[..., np.ndarray]) -> np.ndarray:
    bins = [slice(i * 6 // 4, -(-(i + 1) * 6 // 4)) for i in range(4)]
    return np.stack([np.stack([reduce(x[:, :, r, c], axis=(2, 3)) for c in bins], -1) for r in bins], -2)


def lstm_step(x: np.ndarray, c: np.ndarray) -> np.ndarray:
    i, f, o, g = np.split(x, 4, axis=1)
    return sigmoid(o) * np.tanh(sigmoid(f + 0.5) * c + sigmoid(i) * np.tanh(g))


def gru_step(x: np.ndarray, h: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    size = h.shape[1]
    x = x + b
    u, r = np.split(sigmoid(x[:, : 2 * size] + h @ w.ravel()[: 2 * size * size].reshape(size, -1)), 2, axis=1)
    c = np.tanh(x[:, 2 * size :] + (r * h) @ w.ravel()[2 * size * size :].reshape(size, size))
    return u * c + (1 - u) * h


def normalised(x: np.ndarray, scale: np.ndarray, bias: np.ndarray) -> np.ndarray:
    flat = x.reshape(len(x), -1)
    flat = (flat - flat.mean(1, keepdims=True)) / np.sqrt(flat.var(1, keepdims=True) + 1e-5)
    return (flat * scale + bias).reshape(x.shape)


def convolved_last(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(1, 2))
    return np.einsum("nhwcij,ocij->nhwo", windows, w)


X = {"X": normal(2, 4, 6, 6)}
CONV = {"strides": [1, 1], "paddings": [0, 0], "dilations": [1, 1], "groups": 1}
CASES = {
    "addmm": Case(
        {"Input": normal(3, 5), "X": normal(3, 4), "Y": normal(4, 5)},
        lambda i, x, y: 0.5 * i + 2 * (x @ y),
        {"Alpha": 2.0, "Beta": 0.5},
    ),
    "batch_norm": Case(
        {
            "X": normal(2, 3, 3, 4),
            "Scale": normal(4),
            "Bias": normal(4),
            "Mean": normal(4),
            "Variance": np.abs(normal(4)) + 0.5,
        },
        lambda x, scale, bias, mean, var: (x - mean) / np.sqrt(var + 1e-5) * scale + bias,
        {"data_layout": "NHWC", "is_test": True, "epsilon": 1e-5},
        "Y",
        ("MeanOut", "VarianceOut", "SavedMean", "SavedVariance"),
    ),
    "bilinear_tensor_product": Case(
        {"X": normal(3, 4), "Y": normal(3, 5), "Weight": normal(6, 4, 5), "Bias": normal(1, 6)},
        lambda x, y, w, b: np.einsum("ni,kij,nj->nk", x, w, y) + b,
    ),
    "clip_by_norm": Case(X, lambda x: x / np.sqrt((x**2).sum()), {"max_norm": 1.0}),
    "conv2d": Case(
        {"Input": normal(2, 6, 6, 4), "Filter": normal(3, 4, 2, 2)},
        convolved_last,
        {**CONV, "data_format": "NHWC"},
        "Output",
    ),
    "cos_sim": Case({"X": normal(3, 4), "Y": normal(3, 4)}, cosine, others=("XNorm", "YNorm")),
    "crop_tensor": Case(X, lambda x: x[:, 1:3, 2:], {"offsets": [0, 1, 2, 0], "shape": [-1, 2, -1, 6]}),
    "expand_as": Case(
        {"X": normal(3, 1, 4), "target_tensor": normal(3, 5, 4)}, lambda x, target: np.broadcast_to(x, target.shape)
    ),
    "flatten": Case(X, lambda x: x.reshape(8, 36), {"axis": 2}),
    "gru_unit": Case(
        {"Input": normal(3, 12), "HiddenPrev": normal(3, 4), "Weight": normal(4, 12), "Bias": normal(1, 12)},
        gru_step,
        {"activation": 2, "gate_activation": 1, "origin_mode": False},
        "Hidden",
        ("Gate", "ResetHiddenPrev"),
    ),
    "increment": Case({"X": normal(1)}, lambda x: x + 2, {"step": 2.0}),
    "layer_norm": Case(
        {"X": normal(3, 4, 5), "Scale": normal(20), "Bias": normal(20)},
        normalised,
        {"begin_norm_axis": 1, "epsilon": 1e-5},
        "Y",
        ("Mean", "Variance"),
    ),
    "lrn": Case(X, local_response, {"n": 3, "k": 2.0, "alpha": 0.1, "beta": 0.75}, others=("MidOut",)),
    "lstm_unit": Case({"X": normal(3, 20), "C_prev": normal(3, 5)}, lstm_step, {"forget_bias": 0.5}, "H", ("C",)),
    "maxout": Case(X, lambda x: x.reshape(2, 2, 2, 6, 6).max(axis=2), {"groups": 2, "axis": 1}),
    "nearest_interp": Case(
        X, nearest_aligned, {"out_h": 9, "out_w": 13, "align_corners": True, "interp_method": "nearest"}
    ),
    "one_hot": Case(
        {"X": np.array([[2], [0]])}, lambda x: np.eye(3, dtype=np.float32)[x[:, 0]], {"depth": 3, "dtype": 5}
    ),
    "pool2d": Case(X, lambda x: uneven_bins(x, np.mean), {"adaptive": True, "ksize": [4, 4], "pooling_type": "avg"}),
    "reshape": Case(X, lambda x: x.reshape(2, 12, 12), {"shape": [0, 12, -1]}),
    "reverse": Case(X, lambda x: x[:, ::-1, ::-1], {"axis": [1, 2]}),
    "sequence_mask": Case(
        {"X": np.array([3, 0, 5])},
        lambda x: (np.arange(5) < x[:, None]).astype(np.float32),
        {"maxlen": 5, "out_dtype": 5},
        "Y",
    ),
    "shuffle_channel": Case(X, lambda x: x[:, [0, 2, 1, 3]], {"group": 2}),
    "soft_relu": Case(X, lambda x: np.log1p(np.exp(np.clip(x, -1, 1))), {"threshold": 1.0}),
    "squeeze": Case({"X": normal(2, 1, 3)}, lambda x: x[:, 0], {"axes": [1]}),
    "stanh": Case(X, lambda x: 1.7 * np.tanh(0.6 * x), {"scale_a": 0.6, "scale_b": 1.7}),
    "transpose": Case(X, lambda x: x.transpose(0, 2, 3, 1), {"axis": [0, 2, 3, 1]}),
    "unsqueeze": Case({"X": normal(2, 3)}, lambda x: x[:, None], {"axes": [1]}),
}
LOST = {"cos_sim", "expand_as", "flatten", "lstm_unit", "one_hot", "squeeze", "unsqueeze"}  # legacy_fluid's own rules
VARIANTS = {
    ("pool2d", "largest of uneven bins"): Case(
        X, lambda x: uneven_bins(x, np.max), {"adaptive": True, "ksize": [4, 4], "pooling_type": "max"}
    ),
}


@static_mode()
def model_of(op_type: str, case: Case, free_axis: int | None = None) -> PaddleModel:
    """Return a model of the operator alone, described as an old file describes it, whatever Paddle knows of it now."""
    import legacy_fluid as fluid

    program = fluid.Program()
    block = program.global_block()
    for slot, value in case.inputs.items():
        shape = [-1 if axis == free_axis else size for axis, size in enumerate(value.shape)]
        kept = f"{slot}Out" in case.others  # the statistics of batch_norm, which it writes in place
        block.create_var(name=slot, shape=shape, dtype=str(value.dtype), persistable=kept)
    given = case.expected(*case.inputs.values())
    description = block.desc.append_op()
    description.set_type(op_type)
    for slot in case.inputs:
        description.set_input(slot, [slot])
    for slot in (case.out, *case.others):
        result = slot.removesuffix("Out") if block.has_var(slot.removesuffix("Out")) else f"{slot}.result"
        if not block.has_var(result):
            block.create_var(name=result, shape=given.shape, dtype="float32")
        description.set_output(slot, [result])
    for name, value in {**case.attrs, "op_role": 0}.items():
        description._set_attr(name, value)
    program._sync_with_cpp()
    return make_model(program, list(case.inputs), [f"{case.out}.result"], fluid.Scope())


@pytest.mark.parametrize(("op_type", "case"), [*CASES.items(), *((name, case) for (name, _), case in VARIANTS.items())])
def test_a_rewritten_operator_gives_what_fluid_gave(op_type, case):
    rewritten = rewrite(model_of(op_type, case))
    assert rewritten.operators == (() if op_type in LOST else (op_type,))
    found = rewritten.model.run(case.inputs)[0]
    expected = case.expected(*case.inputs.values())
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_every_rule_has_a_case():
    same = {
        "bicubic_interp",
        "linear_interp",
        "trilinear_interp",  # as nearest_interp, by newer operators
        "conv2d_transpose",
        "depthwise_conv2d",  # as conv2d
        "crop",  # as crop_tensor
        "fill_constant",  # whose sizes are numbers without a dimension in Paddle 2 alone: in test_onnx_from_jit
    }
    assert set(RULES) == {*CASES, *(name for name, _ in VARIANTS), *same} - LOST


def test_an_operator_whose_sizes_must_be_known_says_so_where_they_are_free():
    with pytest.raises(DataError, match=r"'nearest_interp' can only be converted where the sizes of X \[2, 4, -1, 6\]"):
        rewrite(model_of("nearest_interp", CASES["nearest_interp"], free_axis=2))
