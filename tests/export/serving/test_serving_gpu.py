from __future__ import annotations

import numpy as np
import pytest
from bodies import floats
from running import serving

from export.model import CUDA, load
from export.serving.gpu import with_graphs
from fluidline.errors import FluidlineError

pytestmark = pytest.mark.gpu


@pytest.fixture
def on_gpu(bars):
    try:
        return load(bars, "gpu")
    except FluidlineError:
        pytest.skip("needs a GPU that onnxruntime can use")


def test_graphs_answer_as_the_model_does_for_every_size_of_batch(bars, on_gpu):
    plain, graphed = load(bars, "cpu"), with_graphs(on_gpu, 20)
    assert sorted(graphed.graphs) == [1, 2, 4, 8, 16, 20]
    images = np.random.default_rng(0).uniform(-1, 1, (50, 1, 28, 28)).astype(np.float32)
    for count in (1, 3, 16, 20, 50):
        np.testing.assert_allclose(graphed.run(images[:count]), plain.run(images[:count]), atol=1e-3)


def test_a_gpu_is_served_by_one_process_that_says_so(bars, on_gpu):
    with serving("--model", bars, "--device", "gpu") as server:
        assert len(server.workers) == 1
        assert server.get("/health").json["models"][0]["provider"] == CUDA
        for label in range(10):
            assert server.post("/predict", floats(label), "application/octet-stream").labels == [str(label)]
