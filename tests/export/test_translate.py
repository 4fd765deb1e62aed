import os
import sys

import fluid_models
import pytest

from export.conversion import translate as module
from export.conversion.fluid_model import read_fluid
from export.conversion.paddle_model import PaddleModel
from export.conversion.translate import translate
from fluidline.errors import FluidlineError


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> PaddleModel:
    return read_fluid(fluid_models.save(tmp_path_factory.mktemp("model"), fluid_models.two_ends)).model


def test_the_translated_model_has_the_programs_ends(model):
    graph = translate(model, 17).graph
    assert [value.name for value in graph.input] == ["left", "right"]
    assert len(graph.output) == 2


def test_an_opset_that_aborts_paddle2onnx_is_an_error_and_not_the_end(model):
    with pytest.raises(FluidlineError, match=r"paddle2onnx failed \(SIGABRT\): .*opset_version in range of \[7, 19\]"):
        translate(model, 20)


def faulty(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let a process that runs `code` stand where paddle2onnx's would."""
    real = module.subprocess.run
    monkeypatch.setattr(
        module.subprocess, "run", lambda command, **options: real([sys.executable, "-c", code, *command[2:]], **options)
    )


def test_a_process_that_hangs_is_stopped(model, monkeypatch):
    faulty(monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(FluidlineError, match=r"did not end within 0\.5 s"):
        translate(model, 17, timeout=0.5)


@pytest.mark.parametrize("content", ["", "no model"])
def test_success_over_a_file_that_is_no_model_is_not_believed(model, monkeypatch, content):
    faulty(monkeypatch, f"import sys; open(sys.argv[2], 'w').write({content!r}); print('[Paddle2ONNX] exported')")
    with pytest.raises(FluidlineError, match=r"reported success, but wrote no model: \[Paddle2ONNX\] exported"):
        translate(model, 17)


def test_nothing_is_left_behind(model, tmp_path, monkeypatch):
    monkeypatch.setattr(module.tempfile, "tempdir", os.fspath(tmp_path))
    translate(model, 17)
    assert not list(tmp_path.iterdir())
