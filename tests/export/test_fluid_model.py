from __future__ import annotations

import shutil
from pathlib import Path

import fluid_models
import numpy as np
import pytest

from export.conversion.fluid_model import read_fluid
from export.conversion.paddle_model import static_mode
from fluidline.errors import DataError

FEED = {name: np.ones(shape, np.float32) for name, shape in (("left", (2, 8)), ("right", (2, 4, 6)))}


@pytest.fixture(scope="module")
def separate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fluid_models.save(tmp_path_factory.mktemp("separate"), fluid_models.two_ends)


@pytest.fixture(scope="module")
def combined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = {"model_filename": "net", "params_filename": "weights"}
    return fluid_models.save(tmp_path_factory.mktemp("combined"), fluid_models.two_ends, **names)


@pytest.fixture
def folder(separate: Path, tmp_path: Path) -> Path:
    """A copy of the model with separate files, to damage."""
    return shutil.copytree(separate, tmp_path / "model")


@pytest.fixture(scope="module")
@static_mode()
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What training scripts leave: fluid.save's files, a folder of parameters, and a program with its gradients."""
    import legacy_fluid as fluid

    folder = tmp_path_factory.mktemp("checkpoint")
    main, startup = fluid.Program(), fluid.Program()
    with fluid.program_guard(main, startup), fluid.unique_name.guard():
        x, y = fluid.data("x", [-1, 13], "float32"), fluid.data("y", [-1, 1], "float32")
        test = main.clone(for_test=True)
        cost = fluid.layers.mean(fluid.layers.square_error_cost(fluid.layers.fc(x, 1), y))
        plain = main.clone(for_test=True)
        fluid.optimizer.Adam(0.01).minimize(cost)
    executor = fluid.Executor(fluid.CPUPlace())
    with fluid.scope_guard(fluid.Scope()):
        executor.run(startup)
        fluid.io.save_persistables(executor, str(folder / "persistables"), main)
        fluid.save(main, str(folder / "saved" / "model"))
    (folder / "persistables" / "learning_rate_0").unlink(missing_ok=True)
    shutil.copytree(folder / "persistables", folder / "training")
    (folder / "training" / "__model__").write_bytes(main.desc.serialize_to_string())
    shutil.copytree(folder / "persistables", folder / "plain")
    (folder / "plain" / "__model__").write_bytes(plain.desc.serialize_to_string())
    del test
    return folder


def test_both_forms_are_found_without_naming_a_file(separate, combined):
    found, again = read_fluid(separate), read_fluid(combined)
    assert found.program_file.name == "__model__"
    assert len(found.parameter_files) == len(list(separate.iterdir())) - 1
    assert (again.program_file.name, [file.name for file in again.parameter_files]) == ("net", ["weights"])
    for ours, theirs in zip(found.model.run(FEED), again.model.run(FEED), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_files_named_are_taken(combined):
    assert read_fluid(combined, "net", "weights").program_file.name == "net"
    with pytest.raises(DataError, match=r"no such file: .*other \(there is: net, weights\)"):
        read_fluid(combined, "other")
    with pytest.raises(DataError, match=r"no such file: .*params \(there is: net, weights\)"):
        read_fluid(combined, None, "params")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("nowhere", "nowhere does not exist"),
        ("persistables/fc_0.w_0", "is a file; give the folder that holds it"),
        ("persistables", "files of parameters (fc_0.b_0, "),
        ("training", "is a training program, not an inference model (it has "),
        ("saved", "is a training program, not an inference model"),
        ("plain", "is a program without declared inputs and outputs"),
    ],
)
def test_what_is_no_inference_model_is_told_for_what_it_is(checkpoint, place, message):
    with pytest.raises(DataError) as caught:
        read_fluid(checkpoint / place)
    assert message in str(caught.value)
    assert place in ("nowhere", "persistables/fc_0.w_0") or "call fluid.io.save_inference_model(" in str(caught.value)


def test_parameters_without_their_program_are_told_for_a_checkpoint(checkpoint, tmp_path):
    shutil.copy(checkpoint / "saved" / "model.pdparams", tmp_path)
    with pytest.raises(DataError, match=r"model.pdparams are a training checkpoint of fluid.save"):
        read_fluid(tmp_path)


def test_an_empty_folder_says_that_it_is(tmp_path):
    with pytest.raises(DataError, match=r"there is no __model__ \(there is: nothing\)"):
        read_fluid(tmp_path)


def test_several_programs_must_be_told_apart(combined, tmp_path):
    folder = shutil.copytree(combined, tmp_path / "model")
    shutil.copy(folder / "net", folder / "net2")
    with pytest.raises(DataError, match=r"several programs: net, net2 \(name one: --model-filename FILE\)"):
        read_fluid(folder)


def test_several_files_of_parameters_must_be_told_apart(combined, tmp_path):
    folder = shutil.copytree(combined, tmp_path / "model")
    shutil.copy(folder / "weights", folder / "weights2")
    with pytest.raises(DataError, match=r"may be the parameters: weights, weights2 \(name one: --params FILE\)"):
        read_fluid(folder)


def test_a_missing_parameter_is_named(folder):
    (folder / "fc_1.w_0").unlink()
    with pytest.raises(DataError, match=r"lacks 1 of the \d parameters of __model__: fc_1.w_0"):
        read_fluid(folder)


def test_a_torn_program_names_the_file(folder):
    file = folder / "__model__"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DataError, match="__model__ is not a Paddle program, or is torn"):
        read_fluid(folder)


def test_a_torn_parameter_names_the_file_and_the_missing_bytes(folder):
    file = folder / "fc_0.w_0"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"fc_0\.w_0 is torn: it ends at byte \d+, 10 bytes too early"):
        read_fluid(folder)


def test_one_file_of_too_many_parameters_is_of_another_model(combined, tmp_path):
    folder = shutil.copytree(combined, tmp_path / "model")
    with open(folder / "weights", "ab") as file:
        file.write(bytes(7))
    with pytest.raises(DataError, match=r"weights has 7 bytes more than 6 parameters"):
        read_fluid(folder)


def test_a_file_that_is_no_parameter_is_told(folder):
    (folder / "fc_0.w_0").write_bytes(b"something else, longer than a header")
    with pytest.raises(DataError, match=r"fc_0\.w_0 is no file of parameters"):
        read_fluid(folder)


def test_parameters_of_another_model_are_found_by_their_shape(folder):
    shutil.copy(folder / "fc_0.b_0", folder / "fc_2.b_0")
    with pytest.raises(DataError, match=r"parameter 'fc_2.b_0' .* has shape \(16,\), its program says \(3,\)"):
        read_fluid(folder)
