"""Programs, what runs them, and the twin that the core of today runs in their place."""

import numpy as np
import pytest
from programs import WEIGHT, X, Y, gradients, parameter, regression, run, sequences, value_of, waves

from legacy_fluid.lowering import lowered


def types(program):
    return [op.type for op in program.global_block().ops]


def test_a_loss_has_one_dimension_when_built_and_when_run(fluid):
    feed, loss = regression(fluid)
    assert loss.shape == (1,)
    assert run(fluid, feed, [loss])[0].shape == (1,)


def test_the_twin_that_runs_leaves_the_program_as_it_was(fluid):
    regression(fluid)
    before = types(fluid.default_main_program())
    assert before[-1] == "mean"
    assert types(lowered(fluid.default_main_program()))[-2:] == ["mean", "reshape2"]
    assert types(fluid.default_main_program()) == before


def test_the_twin_is_made_once_for_each_version_of_a_program(fluid):
    _, loss = regression(fluid)
    program = fluid.default_main_program()
    first = lowered(program)
    assert lowered(program) is first
    fluid.layers.scale(loss, 2.0)
    assert lowered(program) is not first


def test_batch_norm_trains_with_the_statistics_of_the_batch(fluid):
    value = waves(6, 3) * 2 + 1
    x = fluid.data("x", [None, 3])
    out = fluid.layers.batch_norm(x, momentum=0.5)
    names = next(op for op in fluid.default_main_program().global_block().ops if op.type == "batch_norm")
    assert "ReserveSpace" not in names.output_names or not names.output("ReserveSpace")
    (normed,) = run(fluid, {"x": value}, [out])
    np.testing.assert_allclose(normed, (value - value.mean(0)) / np.sqrt(value.var(0) + 1e-5), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(value_of(fluid, "batch_norm_0.w_1"), value.mean(0) / 2, rtol=1e-5)


def test_a_clone_for_testing_has_no_training_in_it(fluid):
    _, loss = regression(fluid)
    dropped = fluid.layers.dropout(loss, 0.5)
    fluid.optimizer.SGD(0.1).minimize(fluid.layers.mean(dropped))
    test = fluid.default_main_program().clone(for_test=True)
    assert not [kind for kind in types(test) if kind.endswith("_grad") or kind == "sgd"]
    assert [op.attr("is_test") for op in test.global_block().ops if op.type == "dropout"] == [True]


def test_a_program_comes_back_from_its_string(fluid):
    feed, loss = regression(fluid)
    binary = fluid.default_main_program().desc.serialize_to_string()
    again = fluid.Program.parse_from_string(binary)
    assert types(again) == types(fluid.default_main_program())
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(fluid.default_startup_program())
    first = exe.run(feed=feed, fetch_list=[loss])[0]
    assert np.array_equal(exe.run(again, feed=feed, fetch_list=[loss.name])[0], first)
    text = fluid.default_main_program().to_string(throw_on_error=True, with_details=True)
    assert 'type: "mul"' in text


@pytest.mark.parametrize("way", ["CompiledProgram", "ParallelExecutor"])
def test_data_parallel_programs_train_as_one_process_does(fluid, way):
    feed, loss = regression(fluid)
    fluid.optimizer.SGD(0.1).minimize(loss)
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(fluid.default_startup_program())
    strategies = {"build_strategy": fluid.BuildStrategy(), "exec_strategy": fluid.ExecutionStrategy()}
    if way == "CompiledProgram":
        program = fluid.CompiledProgram(fluid.default_main_program()).with_data_parallel(loss.name, **strategies)
        exe.run(program, feed=feed, fetch_list=[loss])
    else:
        parallel = fluid.ParallelExecutor(False, loss_name=loss.name, **strategies)
        halves = [{"x": X[part], "y": Y[part]} for part in (slice(0, 3), slice(3, 6))]
        parallel.run([loss.name], feed=halves)
    np.testing.assert_allclose(value_of(fluid, "w"), WEIGHT - 0.1 * gradients(WEIGHT, np.array([0.1]))[0], rtol=1e-5)


def test_gradients_without_a_loss_name_are_refused(fluid):
    _, loss = regression(fluid)
    fluid.optimizer.SGD(0.1).minimize(loss)
    with pytest.raises(AssertionError, match="loss_name"):
        fluid.CompiledProgram(fluid.default_main_program()).with_data_parallel()


def test_a_result_with_lengths_is_no_array(fluid):
    value = waves(4, 2)
    out = fluid.layers.scale(fluid.data("x", [None, 2], lod_level=1), 2.0)
    exe = fluid.Executor(fluid.CPUPlace())
    feed = {"x": sequences(fluid, value, [1, 3])}
    with pytest.raises(RuntimeError, match="LoD"):
        exe.run(feed=feed, fetch_list=[out])
    tensor = exe.run(feed=feed, fetch_list=[out], return_numpy=False)[0]
    assert tensor.recursive_sequence_lengths() == [[1, 3]]


def test_fluid_data_checks_the_shape_and_layers_data_does_not(fluid):
    exe = fluid.Executor(fluid.CPUPlace())
    loose = fluid.layers.scale(fluid.layers.data("l", [3]), 2.0)
    assert exe.run(feed={"l": waves(2, 5)}, fetch_list=[loose])[0].shape == (2, 5)
    strict = fluid.layers.scale(fluid.data("s", [None, 3]), 2.0)
    with pytest.raises(ValueError, match="s"):
        exe.run(feed={"l": waves(2, 5), "s": waves(2, 4)}, fetch_list=[strict])


def test_lod_tensors_hold_lengths(fluid):
    tensor = fluid.create_lod_tensor([[1, 2], [3, 4, 5]], [[2, 3]], fluid.CPUPlace())
    assert np.array(tensor).reshape(-1).tolist() == [1, 2, 3, 4, 5]
    assert tensor.lod() == [[0, 2, 5]]
    with pytest.raises(ValueError, match="recursive_sequence_lengths"):
        fluid.create_lod_tensor(waves(4, 1), [[2, 3]], fluid.CPUPlace())


def test_a_queue_reader_ends_with_an_exception_and_begins_again(fluid):
    import paddle

    reader = fluid.layers.py_reader(capacity=2, shapes=[(-1, 2), (-1, 1)], dtypes=["float32", "int64"])
    x, y = fluid.layers.read_file(reader)
    out = fluid.layers.scale(x, 2.0)
    samples = [(waves(2, phase=float(i)), np.array([i])) for i in range(3)]
    reader.decorate_paddle_reader(paddle.batch(lambda: iter(samples), 1))
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(fluid.default_startup_program())
    for _ in range(2):
        reader.start()
        seen = []
        with pytest.raises(fluid.core.EOFException):  # noqa: PT012
            while True:
                seen.append(exe.run(fetch_list=[out, y]))
        reader.reset()
        assert [label.item() for _, label in seen] == [0, 1, 2]
        np.testing.assert_allclose(seen[1][0][0], samples[1][0] * 2, rtol=1e-6)


def test_a_batch_of_every_nth_is_this_process_share(fluid, monkeypatch):
    monkeypatch.setenv("PADDLE_TRAINERS_NUM", "2")
    monkeypatch.setenv("PADDLE_TRAINER_ID", "1")
    reader = fluid.contrib.distributed_batch_reader(lambda: iter(range(5)))
    assert list(reader()) == [1, 3]


def test_a_program_of_nothing_but_one_layer_runs(fluid):
    value, weight = waves(3, 4), waves(4, 2)
    out = fluid.layers.fc(fluid.data("x", [None, 4]), 2, param_attr=parameter(fluid, "w", weight))
    np.testing.assert_allclose(run(fluid, {"x": value}, [out])[0], value @ weight, rtol=1e-5, atol=1e-6)
