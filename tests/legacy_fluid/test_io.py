"""Files in fluid's formats: what is written comes back, what genuine 1.8.5 wrote is read, nothing else is run."""

import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from paddle.base.proto import framework_pb2
from programs import WEIGHT, X, parameter, regression, run, value_of, waves


def trained(fluid):
    feed, loss = regression(fluid)
    fluid.optimizer.Adam(0.1).minimize(loss)
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(fluid.default_startup_program())
    exe.run(feed=feed)
    return (
        exe,
        feed,
        {var.name: value_of(fluid, var.name) for var in fluid.default_main_program().list_vars() if var.persistable},
    )


@pytest.mark.parametrize("filename", [None, "all"])
def test_persistables_come_back(fluid, tmp_path, filename):
    exe, feed, saved = trained(fluid)
    fluid.io.save_persistables(exe, str(tmp_path / "p"), filename=filename)
    names = {path.name for path in (tmp_path / "p").iterdir()}
    assert names == ({"all"} if filename else set(saved))
    exe.run(feed=feed)
    fluid.io.load_persistables(exe, str(tmp_path / "p"), filename=filename)
    for name, value in saved.items():
        assert np.array_equal(value_of(fluid, name), value)


def test_parameters_are_kept_without_the_optimizers_state(fluid, tmp_path):
    exe, _, _ = trained(fluid)
    fluid.io.save_params(exe, str(tmp_path / "p"))
    assert {path.name for path in (tmp_path / "p").iterdir()} == {"w", "b"}


def test_a_file_is_versions_lengths_description_and_numbers(fluid, tmp_path):
    exe, _, saved = trained(fluid)
    fluid.io.save_vars(exe, str(tmp_path), vars=[fluid.default_main_program().global_block().var("w")])
    data = (tmp_path / "w").read_bytes()
    version, levels, tensor_version, size = struct.unpack("<IQIi", data[:20])
    assert (version, levels, tensor_version) == (0, 0, 0)
    assert np.array_equal(np.frombuffer(data[20 + size :], "<f4").reshape(4, 1), saved["w"])


def test_another_shape_on_disk_is_an_error_that_names_the_parameter(fluid, tmp_path):
    exe, _, _ = trained(fluid)
    fluid.io.save_params(exe, str(tmp_path))
    (tmp_path / "w").rename(tmp_path / "v")
    (tmp_path / "b").rename(tmp_path / "w")
    with pytest.raises(RuntimeError, match="parameter w has the shape"):
        fluid.io.load_vars(exe, str(tmp_path), vars=[fluid.default_main_program().global_block().var("w")])


def test_the_state_of_a_program_comes_back_in_another_scope(fluid, tmp_path):
    exe, _, saved = trained(fluid)
    fluid.save(fluid.default_main_program(), str(tmp_path / "model"))
    assert {path.suffix for path in tmp_path.iterdir()} == {".pdparams", ".pdopt", ".pdmodel"}
    with fluid.scope_guard(fluid.Scope()):
        exe.run(fluid.default_startup_program())
        fluid.load(fluid.default_main_program(), str(tmp_path / "model"), exe)
        for name, value in saved.items():
            assert np.array_equal(value_of(fluid, name), value)
    state = fluid.io.load_program_state(str(tmp_path / "model"))
    assert set(state) == set(saved)
    fluid.io.set_program_state(fluid.default_main_program(), {"w": WEIGHT * 3})
    assert np.array_equal(value_of(fluid, "w"), WEIGHT * 3)


def test_a_folder_of_the_older_functions_is_a_state_too(fluid, tmp_path):
    exe, _, saved = trained(fluid)
    fluid.io.save_persistables(exe, str(tmp_path))
    state = fluid.io.load_program_state(str(tmp_path))
    assert set(state) == set(saved)
    assert np.array_equal(state["w"], saved["w"])


class Touch:
    """Unpickled by plain pickle, it would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_that_would_run_code_is_refused(fluid, tmp_path):
    trained(fluid)
    (tmp_path / "bad.pdparams").write_bytes(pickle.dumps({"w": Touch(tmp_path / "touched")}))
    with pytest.raises(pickle.UnpicklingError, match="pathlib"):
        fluid.load(fluid.default_main_program(), str(tmp_path / "bad"))
    assert not (tmp_path / "touched").exists()


def classifier(fluid):
    x = fluid.data("x", [None, 4])
    hidden = fluid.layers.fc(x, 3, act="relu", param_attr=parameter(fluid, "w1", waves(4, 3)))
    return fluid.layers.fc(hidden, 2, act="softmax", param_attr=parameter(fluid, "w2", waves(3, 2)))


@pytest.mark.parametrize("filenames", [{}, {"model_filename": "model", "params_filename": "params"}])
def test_an_inference_model_is_pruned_and_answers_as_the_program(fluid, tmp_path, filenames):
    out = classifier(fluid)
    label = fluid.data("y", [None, 1], "int64")
    loss = fluid.layers.mean(fluid.layers.cross_entropy(out, label))
    fluid.optimizer.Adam(0.1).minimize(loss)
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(fluid.default_startup_program())
    expected = exe.run(fluid.default_main_program().clone(for_test=True)._prune(out), feed={"x": X}, fetch_list=[out])[
        0
    ]
    names = fluid.io.save_inference_model(str(tmp_path), ["x"], [out], exe, **filenames)
    assert names == ["save_infer_model/scale_0.tmp_0"]
    files = {path.name for path in tmp_path.iterdir()}
    assert files == ({"model", "params"} if filenames else {"__model__", "w1", "w2", "fc_0.b_0", "fc_1.b_0"})
    with fluid.scope_guard(fluid.Scope()):
        program, feeds, fetches = fluid.io.load_inference_model(str(tmp_path), exe, **filenames)
        types = [op.type for op in program.global_block().ops]
        assert types[0] == "feed"
        assert types[-2:] == ["scale", "fetch"]
        assert not [kind for kind in types if kind == "adam" or kind.endswith("_grad")]
        np.testing.assert_allclose(exe.run(program, feed={feeds[0]: X}, fetch_list=fetches)[0], expected, rtol=1e-6)


def test_a_file_holds_only_kinds_of_attributes_that_1_8_knew(fluid, tmp_path):
    layers, x = fluid.layers, fluid.data("x", [None, 4])
    out = layers.fc(layers.elementwise_add(x, layers.assign(waves(4))), 2)
    any_negative = layers.reduce_any(layers.less_than(x, layers.zeros_like(x)), dim=[1])
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(fluid.default_startup_program())
    fluid.io.save_inference_model(str(tmp_path), ["x"], [out, layers.cast(any_negative, "float32")], exe)
    description = framework_pb2.ProgramDesc.FromString((tmp_path / "__model__").read_bytes())
    types = {(op.type, attr.name): attr.type for op in description.blocks[0].ops for attr in op.attrs}
    assert max(types.values()) <= framework_pb2.LONGS
    assert types["reduce_any", "dim"] == framework_pb2.INTS


def test_no_folder_to_load_from_is_an_error_that_names_it(fluid, tmp_path):
    with pytest.raises(ValueError, match="nowhere"):
        fluid.io.load_inference_model(str(tmp_path / "nowhere"), fluid.Executor(fluid.CPUPlace()))


@pytest.mark.parametrize("layout", ["separate", "combined"])
@pytest.mark.parametrize("model", ["softmax", "mlp", "lenet"])
def test_models_that_genuine_fluid_saved_answer_as_they_did(fluid, shared, model, layout):
    folder = shared / "compat" / "legacy_models" / model
    exe = fluid.Executor(fluid.CPUPlace())
    params = "__params__" if layout == "combined" else None
    program, feeds, fetches = fluid.io.load_inference_model(str(folder / layout), exe, params_filename=params)
    answers = exe.run(program, feed={feeds[0]: np.load(folder / "inputs.npy")}, fetch_list=fetches)[0]
    np.testing.assert_allclose(answers, np.load(folder / "outputs.npy"), atol=1e-6, rtol=0)


def test_one_value_can_be_asked_for_by_name(fluid):
    classifier(fluid)
    run(fluid, {"x": X}, ["w1"])
    exe = fluid.Executor(fluid.CPUPlace())
    assert np.array_equal(fluid.io.get_parameter_value_by_name("w1", exe), waves(4, 3))
