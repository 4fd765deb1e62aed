"""Beam search step by step, on candidates that are sequences of sequences."""

from __future__ import annotations

from typing import Any

from ...data_feeder import check_type, check_variable_and_dtype
from ...framework import Variable
from ...layer_helper import LayerHelper
from ..utils import FLOATS

__all__ = ["beam_search", "beam_search_decode"]


def beam_search(
    pre_ids: Any,
    pre_scores: Any,
    ids: Any,
    scores: Any,
    beam_size: int,
    end_id: int,
    level: int = 0,
    is_accumulated: bool = True,
    name: str | None = None,
    return_parent_idx: bool = False,
) -> Any:
    """Return the ids and scores of the best `beam_size` continuations of each source, and, if wanted, their parents.

    Args:
        pre_ids, pre_scores: of the beams so far, [B, 1], with lengths at two levels.
        ids: candidates of each beam [B, K]; their positions in `scores` where None.
        scores: of the candidates [B, K], with that of the beam where `is_accumulated`.
        end_id: a beam that ends with it stays as it is.
        level: of lengths at which beams of one source stand together.
    """
    check_variable_and_dtype(pre_ids, "pre_ids", ["int64"], "beam_search")
    check_variable_and_dtype(pre_scores, "pre_scores", FLOATS, "beam_search")
    check_type(ids, "ids", (Variable, type(None)), "beam_search")
    check_variable_and_dtype(scores, "scores", FLOATS, "beam_search")
    helper = LayerHelper("beam_search", name=name)
    inputs = {"pre_ids": pre_ids, "pre_scores": pre_scores, "scores": scores}
    if ids is not None:
        inputs["ids"] = ids
    selected_scores = helper.create_variable_for_type_inference(dtype=pre_scores.dtype)
    selected_ids = helper.create_variable_for_type_inference(dtype=pre_ids.dtype)
    parents = helper.create_variable_for_type_inference(dtype="int32")
    helper.append_op(
        type="beam_search",
        inputs=inputs,
        outputs={"selected_ids": selected_ids, "selected_scores": selected_scores, "parent_idx": parents},
        attrs={"level": level, "beam_size": beam_size, "end_id": end_id, "is_accumulated": is_accumulated},
    )
    return (selected_ids, selected_scores, parents) if return_parent_idx else (selected_ids, selected_scores)


def beam_search_decode(ids: Any, scores: Any, beam_size: int, end_id: int, name: str | None = None) -> tuple[Any, Any]:
    """Return the sentences that the arrays of `beam_search`'s steps spell, and the scores of their words."""
    check_variable_and_dtype(ids, "ids", ["int64"], "beam_search_decode")
    check_variable_and_dtype(scores, "scores", ["float32"], "beam_search_decode")
    helper = LayerHelper("beam_search_decode", name=name)
    sentence_ids = helper.create_variable_for_type_inference(dtype=ids.dtype)
    sentence_scores = helper.create_variable_for_type_inference(dtype=scores.dtype)
    helper.append_op(
        type="beam_search_decode",
        inputs={"Ids": ids, "Scores": scores},
        outputs={"SentenceIds": sentence_ids, "SentenceScores": sentence_scores},
        attrs={"beam_size": beam_size, "end_id": end_id},
    )
    return sentence_ids, sentence_scores
