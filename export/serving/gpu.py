"""A model on a GPU: its input and output stay on the device, and a CUDA graph replays it whole for each size of batch.

A small model's time on a GPU is launches, a dozen for each call; a captured graph is one. A graph has a fixed shape, so
batches are filled up to the next of a few sizes. Source: onnxruntime's documentation of the CUDA execution provider,
"Using CUDA Graphs" and "I/O binding".
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from export.kind import Floats, row_shape
from export.model import CPU, CUDA, Model, session_options

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CudaModel(Model):
    """A model with a graph for each size of batch; to be called from the thread that made it."""

    graphs: Mapping[int, _Graph]

    def run(self, rows: Floats) -> Floats:
        """See `Model.run`."""
        largest = max(self.graphs)
        if len(rows) > largest:
            parts = range(0, len(rows), largest)
            return np.concatenate([self.run(rows[start : start + largest]) for start in parts])
        size = min(size for size in self.graphs if size >= len(rows))
        return self.graphs[size].run(rows)


def with_graphs(model: Model, max_batch: int) -> Model:
    """Return a model that runs on CUDA as one with graphs for batches up to `max_batch`; itself where there can be none."""
    import onnxruntime

    sizes = {1 << power for power in range(max_batch.bit_length()) if 1 << power < max_batch} | {max_batch}
    try:
        providers = [(CUDA, {"enable_cuda_graph": "1"}), CPU]
        session = onnxruntime.InferenceSession(
            str(model.path), session_options(), providers=providers, enable_fallback=0
        )
        graphs = {size: _Graph(session, model, size) for size in sorted(sizes)}
    except (
        Exception
    ) as error:  # onnxruntime's exceptions have no base of their own; and not every graph can be captured
        log.warning("no CUDA graphs for %s: %s", model.path, str(error).splitlines()[0])
        return model
    known = {field.name: getattr(model, field.name) for field in fields(model)}
    return CudaModel(**known | {"session": session}, graphs=graphs)


class _Graph:
    """The model for batches of one size."""

    def __init__(self, session: Any, model: Model, size: int) -> None:
        import onnxruntime

        self._session = session
        self._rows = np.zeros((size, *model.shape), np.float32)
        self._input = onnxruntime.OrtValue.ortvalue_from_numpy(self._rows, "cuda", 0)
        answers = np.zeros((size, *row_shape(model.outputs[0])), np.float32)
        self._output = onnxruntime.OrtValue.ortvalue_from_numpy(answers, "cuda", 0)
        self._binding = session.io_binding()
        self._binding.bind_ortvalue_input(model.input_name, self._input)
        self._binding.bind_ortvalue_output(session.get_outputs()[0].name, self._output)
        self._options = onnxruntime.RunOptions()
        self._options.add_run_config_entry("gpu_graph_id", str(size))
        self.run(self._rows)  # captures

    def run(self, rows: Floats) -> Floats:
        """Return the answers to as many images or rows as the size, or fewer."""
        self._rows[: len(rows)] = rows
        self._input.update_inplace(self._rows)
        self._session.run_with_iobinding(self._binding, self._options)
        answers: Floats = self._output.numpy()[: len(rows)]
        return answers
