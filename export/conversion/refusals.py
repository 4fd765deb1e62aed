"""Operators that no ONNX file can stand for, and what to do instead."""

from __future__ import annotations

from collections.abc import Iterable

from export.conversion.paddle_model import PaddleModel
from fluidline.errors import DataError, FluidlineError

CONTROL_FLOW = ("conditional_block", "select_input", "while")  # of what paddle2onnx converts, in simple cases
_UNROLL = "unroll the loop when the network is built, or save the part without it"
# A reason and a mend for operators that share them; the first kind that has the operator answers.
_KINDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "work on LoD sequences in a way that no ONNX operators match",
        "build the network on padded input [batch, length, ...] with a mask or lengths as an input of its own",
        (
            *("array_to_lod_tensor", "beam_search", "beam_search_decode", "ctc_align", "edit_distance"),
            *("im2sequence", "linear_chain_crf", "lod_array_length", "lod_rank_table", "lod_reset", "lstmp"),
            *("lod_tensor_to_array", "max_sequence_len", "reorder_lod_tensor_by_rank", "row_conv", "sequence_concat"),
            *("sequence_enumerate", "sequence_erase", "sequence_reshape", "sequence_scatter", "sequence_slice"),
            *("shrink_rnn_memory", "warpctc"),
        ),
    ),
    (
        "are tensor arrays, or control flow over them, which paddle2onnx does not convert",
        _UNROLL,
        (
            *("conditional_block_infer", "select_output", "merge_lod_tensor", "split_lod_tensor"),
            *("read_from_array", "write_to_array", "tensor_array_to_tensor"),
        ),
    ),
    (
        "draw random numbers, so that no two answers are alike",
        "save a network whose answer depends on its inputs alone",
        (
            *(
                "gaussian_random",
                "gaussian_random_batch_size_like",
                "randint",
                "random_crop",
                "randperm",
                "sampling_id",
            ),
            *("truncated_gaussian_random", "uniform_random", "uniform_random_batch_size_like"),
        ),
    ),
    (
        "are losses and measures of training",
        "save the inference model with the predictions as its targets, not with the cost",
        (
            *("accuracy", "auc", "bpr_loss", "chunk_eval", "cross_entropy", "cross_entropy2", "hierarchical_sigmoid"),
            *("huber_loss", "kldiv_loss", "log_loss", "mean_iou", "nce", "precision_recall", "rank_loss"),
            *("sigmoid_cross_entropy_with_logits", "smooth_l1_loss", "teacher_student_sigmoid_loss"),
        ),
    ),
)
_UNKNOWN = ("are unknown to paddle2onnx", "use operators that ONNX has, or save the part of the network without them")


def refuse(model: PaddleModel, supported: Iterable[str]) -> None:
    """Raise DataError, naming operators, reason and mend, where `model` has operators that cannot be converted."""
    types = dict.fromkeys(op.type for op in model.operators)
    for reason, mend, listed in _KINDS:
        if found := [name for name in types if name in listed]:
            raise DataError(_sentence(found, reason, mend))
    if found := [name for name in types if name not in set(supported)]:
        raise DataError(_sentence(found, *_UNKNOWN))


def explain_control_flow(model: PaddleModel, error: FluidlineError) -> FluidlineError:
    """Return what to raise for the failure of a conversion: where there is control flow, that is the likely reason."""
    if found := [name for name in dict.fromkeys(op.type for op in model.operators) if name in CONTROL_FLOW]:
        reason = f"are control flow, which paddle2onnx converts in simple cases and not in this one ({error})"
        return DataError(f"{_sentence(found, reason, _UNROLL)}")
    return error


def _sentence(operators: list[str], reason: str, mend: str) -> str:
    return f"the model cannot be ONNX: its operators {', '.join(operators)} {reason} ({mend})"
