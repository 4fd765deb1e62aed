"""`fluid.evaluator`: scores that the program itself adds up over mini-batches; fluid.metrics does it outside."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from . import layers, unique_name
from .framework import Program, Variable, program_guard
from .initializer import Constant
from .layer_helper import LayerHelper
from .layers import detection

__all__ = ["ChunkEvaluator", "DetectionMAP", "EditDistance"]


class Evaluator:
    """A score with states, which are persistable variables of the main program.

    Args:
        name: the stem of their names.
        kwargs: `main_program` and `startup_program`, the default ones where not given.

    Attributes:
        states: Variables that `reset` sets to zero.
        metrics: Variables of the score of one mini-batch.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        kind = type(self).__name__
        warnings.warn(f"fluid.evaluator.{kind} changes the program: prefer fluid.metrics.{kind}", Warning, stacklevel=3)
        self.states: list[Variable] = []
        self.metrics: list[Variable] = []
        self.helper = LayerHelper(name, **kwargs)

    def reset(self, executor: Any, reset_program: Program | None = None) -> None:
        """Set the states to zero, by operators that are added to `reset_program`."""
        reset_program = reset_program or Program()
        with program_guard(main_program=reset_program):
            for state in self.states:
                _set(_clone(reset_program, state), 0)
        executor.run(reset_program)

    def eval(self, executor: Any, eval_program: Program | None = None) -> Any:
        """Return the score over all mini-batches since `reset`; subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} has no eval")

    def _create_state(self, suffix: str, dtype: str, shape: Any) -> Variable:
        name = f"{unique_name.generate(self.helper.name)}_{suffix}"
        state = self.helper.create_variable(name=name, persistable=True, dtype=dtype, shape=shape)
        self.states.append(state)
        return state

    def _require_root_block(self) -> None:
        if self.helper.main_program.current_block().idx != 0:
            raise ValueError(f"{type(self).__name__} belongs in the program's first block")


class ChunkEvaluator(Evaluator):
    """Precision, recall and F1 of chunks; the arguments are those of layers.chunk_eval."""

    def __init__(
        self, input: Any, label: Any, chunk_scheme: str, num_chunk_types: int, excluded_chunk_types: Any = None
    ) -> None:
        super().__init__("chunk_eval")
        self._require_root_block()
        names = ("num_infer_chunks", "num_label_chunks", "num_correct_chunks")
        for name in names:
            setattr(self, name, self._create_state(name, "int64", [1]))
        *scores, infer, label_chunks, correct = layers.chunk_eval(
            input=input,
            label=label,
            chunk_scheme=chunk_scheme,
            num_chunk_types=num_chunk_types,
            excluded_chunk_types=excluded_chunk_types,
        )
        for state, number in zip(self.states, (infer, label_chunks, correct), strict=True):
            layers.sums(input=[state, number], out=state)
        self.metrics.extend(scores)

    def eval(self, executor: Any, eval_program: Program | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return precision, recall and F1, float32, shape (1,) each."""
        eval_program = eval_program or Program()
        fetched = executor.run(eval_program, fetch_list=[_clone(eval_program, state) for state in self.states])
        infer, label, correct = (float(number[0]) for number in fetched)
        precision = correct / infer if infer else 0
        recall = correct / label if label else 0
        f1 = 2 * precision * recall / (precision + recall) if correct else 0
        return tuple(np.array([score], dtype="float32") for score in (precision, recall, f1))


class EditDistance(Evaluator):
    """Mean edit distance, and the share of sequences that differ; the arguments are those of layers.edit_distance."""

    def __init__(self, input: Any, label: Any, ignored_tokens: Any = None, **kwargs: Any) -> None:
        super().__init__("edit_distance", **kwargs)
        self._require_root_block()
        self.total_distance = self._create_state("total_distance", "float32", [1])
        self.seq_num = self._create_state("seq_num", "int64", [1])
        self.instance_error = self._create_state("instance_error", "int64", [1])
        distances, number = layers.edit_distance(input=input, label=label, ignored_tokens=ignored_tokens)
        zero = layers.fill_constant(shape=[1], value=0.0, dtype="float32")
        right = layers.reduce_sum(layers.cast(x=layers.equal(distances, zero), dtype="int64"))
        wrong = layers.elementwise_sub(x=number, y=right)
        total = layers.reduce_sum(distances)
        for state, value in zip(self.states, (total, number, wrong), strict=True):
            layers.sums(input=[state, value], out=state)
        self.metrics.extend([total, wrong])

    def eval(self, executor: Any, eval_program: Program | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean distance and the share of wrong sequences, float32, shape (1,) each."""
        eval_program = eval_program or Program()
        with program_guard(main_program=eval_program):
            distance, number, wrong = (_clone(eval_program, state) for state in self.states)
            number, wrong = layers.cast(x=number, dtype="float32"), layers.cast(x=wrong, dtype="float32")
            shares = [layers.elementwise_div(x=distance, y=number), layers.elementwise_div(x=wrong, y=number)]
            mean, error = executor.run(eval_program, fetch_list=shares)
        return np.array(mean), np.array(error)


class DetectionMAP(Evaluator):
    """Mean average precision of detections; see layers.detection.detection_map.

    Args:
        input: [M, 6] with lengths: label, confidence, and the box's corners.
        gt_label, gt_box, gt_difficult: [N, 1], [N, 4] and [N, 1] with lengths.
    """

    def __init__(
        self,
        input: Any,
        gt_label: Any,
        gt_box: Any,
        gt_difficult: Any = None,
        class_num: int | None = None,
        background_label: int = 0,
        overlap_threshold: float = 0.5,
        evaluate_difficult: bool = True,
        ap_version: str = "integral",
    ) -> None:
        super().__init__("map_eval")
        parts = [layers.cast(x=gt_label, dtype=gt_box.dtype)]
        if gt_difficult is not None:
            parts.append(layers.cast(x=gt_difficult, dtype=gt_box.dtype))
        label = layers.concat([*parts, gt_box], axis=1)
        how = {
            "overlap_threshold": overlap_threshold,
            "evaluate_difficult": evaluate_difficult,
            "ap_version": ap_version,
        }
        self.cur_map = detection.detection_map(input, label, class_num, background_label, **how)
        self._create_state("accum_pos_count", "int32", None)
        self._create_state("accum_true_pos", "float32", None)
        self._create_state("accum_false_pos", "float32", None)
        self.has_state = self.helper.create_variable(persistable=True, dtype="int32", shape=[1])
        self.helper.set_variable_initializer(self.has_state, initializer=Constant(value=0))
        self.accum_map = detection.detection_map(
            input,
            label,
            class_num,
            background_label,
            has_state=self.has_state,
            input_states=self.states,
            out_states=self.states,
            **how,
        )
        _set(self.has_state, 1)

    def get_map_var(self) -> tuple[Variable, Variable]:
        """Return the Variables of the score of a mini-batch, and of all since `reset`."""
        return self.cur_map, self.accum_map

    def reset(self, executor: Any, reset_program: Program | None = None) -> None:
        """Forget the mini-batches seen."""
        reset_program = reset_program or Program()
        with program_guard(main_program=reset_program):
            _set(_clone(reset_program, self.has_state), 0)
        executor.run(reset_program)


def _set(var: Variable, value: int) -> None:
    layers.fill_constant(shape=var.shape, value=value, dtype=var.dtype, out=var)


def _clone(program: Program, var: Variable) -> Variable:
    return program.current_block().create_var(
        name=var.name, shape=var.shape, dtype=var.dtype, type=var.type, lod_level=var.lod_level, persistable=True
    )
