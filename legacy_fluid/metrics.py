"""`fluid.metrics`: figures collected in Python over the batches of a pass, and the mean average precision of boxes."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from . import layers, unique_name
from .framework import Program, program_guard
from .initializer import Constant
from .layer_helper import LayerHelper

__all__ = [
    "Accuracy",
    "Auc",
    "ChunkEvaluator",
    "CompositeMetric",
    "DetectionMAP",
    "EditDistance",
    "MetricBase",
    "Precision",
    "Recall",
]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.int64) or (isinstance(value, np.ndarray) and value.shape == (1,))


def _check_arrays(**values: Any) -> None:
    for name, value in values.items():
        if not isinstance(value, np.ndarray | np.generic):
            raise ValueError(f"{name} is a numpy array, not {type(value).__name__}")


def _check_numbers(*, or_arrays: bool = False, **values: Any) -> None:
    for name, value in values.items():
        if not _is_number(value) and not (or_arrays and isinstance(value, np.ndarray)):
            raise ValueError(f"{name} is a number{' or a numpy array' if or_arrays else ''}, not {value!r}")


class MetricBase:
    """Base: `update` takes in a batch, `eval` returns the figure so far, `reset` begins anew.

    Args:
        name: the class's name where None.
    """

    def __init__(self, name: str | None) -> None:
        self._name = self.__class__.__name__ if name is None else str(name)

    def __str__(self) -> str:
        return self._name

    def _states(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_")}

    def reset(self) -> None:
        """Set every public attribute to its kind's zero."""
        for name, value in self._states().items():
            if isinstance(value, int | float):
                setattr(self, name, type(value)(0))
            elif isinstance(value, np.ndarray | np.generic):
                setattr(self, name, np.zeros_like(value))
            else:
                setattr(self, name, None)

    def get_config(self) -> dict[str, Any]:
        """Return the name and a copy of the public attributes."""
        return {"name": self._name, "states": copy.deepcopy(self._states())}

    def update(self, preds: Any, labels: Any) -> None:
        raise NotImplementedError("MetricBase is to be extended: define update")

    def eval(self) -> Any:
        raise NotImplementedError("MetricBase is to be extended: define eval")


class CompositeMetric(MetricBase):
    """Several metrics of the same predictions."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self._metrics: list[MetricBase] = []

    def add_metric(self, metric: MetricBase) -> None:
        if not isinstance(metric, MetricBase):
            raise ValueError(f"add_metric takes a MetricBase, not {metric!r}")
        self._metrics.append(metric)

    def update(self, preds: Any, labels: Any) -> None:
        for metric in self._metrics:
            metric.update(preds, labels)

    def eval(self) -> list[Any]:
        return [metric.eval() for metric in self._metrics]


def _as_classes(preds: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions, rounded to 0 or 1, and labels, as flat arrays of equal length."""
    _check_arrays(preds=preds, labels=labels)
    count = labels.shape[0]
    return np.rint(preds[:count]).astype("int32").reshape(-1), np.asarray(labels).reshape(-1)


class Precision(MetricBase):
    """The share of the positive predictions that are right."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.tp = 0
        self.fp = 0

    def update(self, preds: Any, labels: Any) -> None:
        """Take in probabilities [N, 1] and labels 0 or 1, [N, 1]."""
        preds, labels = _as_classes(preds, labels)
        self.tp += int(np.sum((preds == 1) & (labels == 1)))
        self.fp += int(np.sum((preds == 1) & (labels != 1)))

    def eval(self) -> float:
        positive = self.tp + self.fp
        return float(self.tp) / positive if positive else 0.0


class Recall(MetricBase):
    """The share of the positive labels that are found."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.tp = 0
        self.fn = 0

    def update(self, preds: Any, labels: Any) -> None:
        """Take in probabilities [N, 1] and labels 0 or 1, [N, 1]."""
        preds, labels = _as_classes(preds, labels)
        self.tp += int(np.sum((labels == 1) & (preds == 1)))
        self.fn += int(np.sum((labels == 1) & (preds != 1)))

    def eval(self) -> float:
        positive = self.tp + self.fn
        return float(self.tp) / positive if positive else 0.0


class Accuracy(MetricBase):
    """The mean of the batches' accuracies, weighted."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.value = 0.0
        self.weight = 0.0

    def update(self, value: Any, weight: Any) -> None:
        """Take in a batch's accuracy, a number or an array, and its weight, usually the batch's size."""
        _check_numbers(value=value, or_arrays=True)
        _check_numbers(weight=weight)
        if weight < 0:
            raise ValueError(f"weight is not negative, and is {weight}")
        self.value += value * weight
        self.weight += weight

    def eval(self) -> Any:
        if self.weight == 0:
            raise ValueError("Accuracy has seen no data: update it with the output of layers.accuracy first")
        return self.value / self.weight


class ChunkEvaluator(MetricBase):
    """Precision, recall and F1 of chunks, from the counts of layers.chunk_eval."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.num_infer_chunks = 0
        self.num_label_chunks = 0
        self.num_correct_chunks = 0

    def update(self, num_infer_chunks: Any, num_label_chunks: Any, num_correct_chunks: Any) -> None:
        _check_numbers(
            or_arrays=True,
            num_infer_chunks=num_infer_chunks,
            num_label_chunks=num_label_chunks,
            num_correct_chunks=num_correct_chunks,
        )
        self.num_infer_chunks += num_infer_chunks
        self.num_label_chunks += num_label_chunks
        self.num_correct_chunks += num_correct_chunks

    def eval(self) -> tuple[Any, Any, Any]:
        correct = _float(self.num_correct_chunks)
        precision = correct / self.num_infer_chunks if self.num_infer_chunks else 0
        recall = correct / self.num_label_chunks if self.num_label_chunks else 0
        f1 = _float(2 * precision * recall) / (precision + recall) if self.num_correct_chunks else 0
        return precision, recall, f1


def _float(value: Any) -> float:
    return float(np.asarray(value).item())


class EditDistance(MetricBase):
    """The mean edit distance of sequences, and the share of those that are not right."""

    def __init__(self, name: str | None) -> None:
        super().__init__(name)
        self.total_distance = 0.0
        self.seq_num = 0
        self.instance_error = 0

    def update(self, distances: Any, seq_num: Any) -> None:
        """Take in the distances [N, 1] and the number N that layers.edit_distance returned."""
        _check_arrays(distances=distances)
        _check_numbers(seq_num=seq_num)
        self.seq_num += seq_num
        self.instance_error += seq_num - np.sum(distances == 0)
        self.total_distance += np.sum(distances)

    def eval(self) -> tuple[Any, Any]:
        if self.seq_num == 0:
            raise ValueError("EditDistance has seen no data: update it with the output of layers.edit_distance first")
        return self.total_distance / self.seq_num, self.instance_error / _float(self.seq_num)


class Auc(MetricBase):
    """The area under the ROC curve, from counts in `num_thresholds` + 1 buckets of probability."""

    def __init__(self, name: str | None, curve: str = "ROC", num_thresholds: int = 4095) -> None:
        super().__init__(name=name)
        self._curve = curve
        self._num_thresholds = num_thresholds
        self._stat_pos = [0] * (num_thresholds + 1)
        self._stat_neg = [0] * (num_thresholds + 1)

    def update(self, preds: Any, labels: Any) -> None:
        """Take in probabilities of the two classes [N, 2] and labels [N, 1]."""
        _check_arrays(labels=labels, preds=preds)
        for probability, label in zip(preds[:, 1], labels, strict=False):
            bucket = int(probability * self._num_thresholds)
            assert bucket <= self._num_thresholds
            (self._stat_pos if label else self._stat_neg)[bucket] += 1.0

    @staticmethod
    def trapezoid_area(x1: float, x2: float, y1: float, y2: float) -> float:
        return abs(x1 - x2) * (y1 + y2) / 2.0

    def eval(self) -> float:
        area = positives = negatives = 0.0
        for index in range(self._num_thresholds, -1, -1):
            before = negatives, positives
            positives += self._stat_pos[index]
            negatives += self._stat_neg[index]
            area += self.trapezoid_area(negatives, before[0], positives, before[1])
        return area / positives / negatives if positives and negatives else 0.0


class DetectionMAP:
    """Operators for the mean average precision of detected boxes, of a batch and over batches.

    Args:
        input: detections [M, 6] (label, confidence, xmin, ymin, xmax, ymax), with lengths.
        gt_label, gt_box, gt_difficult: the truth: [N, 1], [N, 4] and, optionally, [N, 1].
        class_num: number of classes with the background's.
        background_label: its class, which does not count; -1 where there is none.
        overlap_threshold: intersection over union from which on a detection is right.
        evaluate_difficult: whether difficult boxes count.
        ap_version: "integral" or "11point".
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
        self.helper = LayerHelper("map_eval")
        columns = [layers.cast(x=gt_label, dtype=gt_box.dtype)]
        if gt_difficult is not None:
            columns.append(layers.cast(x=gt_difficult, dtype=gt_box.dtype))
        truth = layers.concat([*columns, gt_box], axis=1)
        settings = {
            "overlap_threshold": overlap_threshold,
            "evaluate_difficult": evaluate_difficult,
            "ap_version": ap_version,
        }
        self.cur_map = layers.detection.detection_map(input, truth, class_num, background_label, **settings)
        states = [
            self._create_state(dtype=dtype, shape=None, suffix=suffix)
            for dtype, suffix in (
                ("int32", "accum_pos_count"),
                ("float32", "accum_true_pos"),
                ("float32", "accum_false_pos"),
            )
        ]
        self.has_state = self._create_state(dtype="int32", shape=[1], suffix="has_state")
        self.helper.set_variable_initializer(self.has_state, initializer=Constant(value=0))
        self.accum_map = layers.detection.detection_map(
            input,
            truth,
            class_num,
            background_label,
            has_state=self.has_state,
            input_states=states,
            out_states=states,
            **settings,
        )
        layers.fill_constant(shape=self.has_state.shape, value=1, dtype=self.has_state.dtype, out=self.has_state)

    def _create_state(self, suffix: str, dtype: str, shape: Any) -> Any:
        name = f"{unique_name.generate(self.helper.name)}_{suffix}"
        return self.helper.create_variable(name=name, persistable=True, dtype=dtype, shape=shape)

    def get_map_var(self) -> tuple[Any, Any]:
        """Return the Variables of the batch's figure and of the figure since the last reset."""
        return self.cur_map, self.accum_map

    def reset(self, executor: Any, reset_program: Any = None) -> None:
        """Forget the batches so far."""
        program = reset_program or Program()
        with program_guard(main_program=program):
            state = program.current_block()._clone_variable(self.has_state)
            layers.fill_constant(shape=state.shape, value=0, dtype=state.dtype, out=state)
        executor.run(program)
