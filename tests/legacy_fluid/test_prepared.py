"""Runs that are made ready once, against the long way of `paddle.base`, which is the judge."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest


@pytest.fixture
def built(fluid):
    """A small training, its executor and its scope: (program, loss, executor, scope)."""
    main, startup, scope = fluid.Program(), fluid.Program(), fluid.Scope()
    main.random_seed = startup.random_seed = 5
    with fluid.program_guard(main, startup), fluid.unique_name.guard():
        x = fluid.layers.data("x", [4])
        y = fluid.layers.data("y", [1], dtype="int64")
        hidden = fluid.layers.dropout(fluid.layers.fc(x, 8, act="tanh"), 0.3)
        loss = fluid.layers.mean(fluid.layers.cross_entropy(fluid.layers.fc(hidden, 3, act="softmax"), y))
        fluid.optimizer.Adam(0.05).minimize(loss)
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(startup, scope=scope)
    return main, loss, exe, scope


def _batch(seed, rows=6):
    draw = np.random.default_rng(seed)
    return {"x": draw.standard_normal((rows, 4)).astype("float32"), "y": draw.integers(0, 3, (rows, 1))}


def _train(fluid, built, monkeypatch, prepared):
    from legacy_fluid import executor

    main, loss, exe, scope = built
    if not prepared:
        monkeypatch.setattr(executor, "can_be_prepared", lambda *args: False)
    losses = [exe.run(main, _batch(i), [loss], scope=scope)[0] for i in range(12)]
    names = sorted(var.name for var in main.list_vars() if var.persistable and scope.find_var(var.name))
    return losses, [np.array(scope.find_var(name).get_tensor()) for name in names]


def test_losses_parameters_and_moments_are_bit_for_bit_those_of_the_long_way(fluid, built, monkeypatch):
    main, _, exe, scope = built
    begin = {name: np.array(scope.find_var(name).get_tensor()) for name in _persistent(main, scope)}
    ready = _train(fluid, built, monkeypatch, prepared=True)
    assert any(exe._prepared.values())
    exe.close()
    for name, value in begin.items():
        scope.find_var(name).get_tensor().set(value, fluid.CPUPlace())
    again = fluid.Executor(fluid.CPUPlace())
    slow = _train(fluid, (main, built[1], again, scope), monkeypatch, prepared=False)
    assert not any(again._prepared.values())
    for mine, theirs in zip([*ready[0], *ready[1]], [*slow[0], *slow[1]], strict=True):
        assert mine.shape == theirs.shape
        assert np.array_equal(mine, theirs)


def _persistent(main, scope):
    return [var.name for var in main.list_vars() if var.persistable and scope.find_var(var.name)]


def test_results_that_are_not_kept_are_the_same(fluid, built, monkeypatch):
    from legacy_fluid import prepared

    main, loss, exe, scope = built
    test = main.clone(for_test=True)
    kept = exe.run(test, _batch(1), [loss], scope=scope)[0]
    (one,) = (ready for ready in exe._prepared.values() if ready._inlets)
    monkeypatch.setattr(prepared, "KEPT_BYTES", 100)
    assert one.takes(rows=6)
    assert not one.takes(rows=7), "a larger batch is decided upon anew"
    assert np.array_equal(exe.run(test, _batch(1, rows=7), [loss], scope=scope)[0].shape, (1,))
    assert np.array_equal(exe.run(test, _batch(1), [loss], scope=scope)[0], kept)


def test_what_was_fetched_stays_as_it_was_in_later_runs(fluid, built):
    main, loss, exe, scope = built
    array, same = exe.run(main, _batch(0), [loss, loss.name], scope=scope)
    assert array == same
    tensor = exe.run(main, _batch(1), [loss], scope=scope, return_numpy=False)[0]
    before = array.copy(), np.array(tensor)
    exe.run(main, _batch(2), [loss], scope=scope)
    assert np.array_equal(array, before[0])
    assert np.array_equal(np.array(tensor), before[1])
    assert not np.array_equal(array, np.array(tensor))


def test_an_operator_that_writes_over_what_is_fed_leaves_the_array_alone(fluid):
    main = fluid.Program()
    with fluid.program_guard(main, fluid.Program()):
        x = fluid.layers.data("x", [1], append_batch_size=False)
        fluid.layers.increment(x, in_place=True)
    exe, value = fluid.Executor(fluid.CPUPlace()), np.ones(1, "float32")
    for _ in range(2):
        assert exe.run(main, {"x": value}, [x])[0] == 2
    given = fluid.create_lod_tensor(np.ones((1, 1), "float32"), [[1]], fluid.CPUPlace())
    exe.run(main, {"x": given}, [x], return_numpy=False)
    exe.run(main, {"x": value}, [x])
    assert (np.array(given), value) == (1, 1)


def test_lengths_come_with_each_batch(fluid):
    main = fluid.Program()
    with fluid.program_guard(main, fluid.Program()):
        x = fluid.layers.data("x", [1], lod_level=1)
        total = fluid.layers.sequence_pool(x, "sum")
        same = fluid.layers.scale(x)
    exe, values = fluid.Executor(fluid.CPUPlace()), np.arange(6, dtype="float32")[:, None]
    for lengths, sums in (([2, 4], [1, 14]), ([1, 1, 4], [0, 1, 14]), ([6], [15])):
        fed = fluid.create_lod_tensor(values, [lengths], fluid.CPUPlace())
        got = exe.run(main, {"x": fed}, [total, same], return_numpy=False)
        assert np.array(got[0]).ravel().tolist() == sums
        assert got[1].recursive_sequence_lengths() == [lengths]
    assert exe.run(main.clone(), {"x": fed}, [same], return_numpy=False)[0].lod() == [[0, 6]]
    pruned = main._prune([same])
    exe.run(pruned, {"x": fed}, [same], return_numpy=False)
    assert exe.run(pruned, {"x": values}, [same])[0].tolist() == values.tolist(), "an array has no lengths any more"


def test_shapes_are_checked_at_every_run(fluid):
    main = fluid.Program()
    with fluid.program_guard(main, fluid.Program()):
        x = fluid.data("x", [None, 3])
        y = fluid.layers.scale(x, 2.0)
    exe = fluid.Executor(fluid.CPUPlace())
    for rows in (2, 5, 2):
        assert exe.run(main, {"x": np.ones((rows, 3), "float32")}, [y])[0].shape == (rows, 3)
    for wrong in (np.ones((2, 4), "float32"), np.ones((2, 3), "float64"), [[1.0, 2.0]]):
        with pytest.raises(ValueError, match="'x'"):
            exe.run(main, {"x": wrong}, [y])
    assert exe.run(main, {"x": [[1, 2, 3]]}, [y])[0].tolist() == [[2, 4, 6]]


def test_a_program_that_grew_is_made_ready_anew(fluid):
    main, value = fluid.Program(), np.ones((1, 2), "float32")
    exe = fluid.Executor(fluid.CPUPlace())
    with fluid.program_guard(main, fluid.Program()):
        x = fluid.layers.data("x", [2])
        y = fluid.layers.scale(x, 2.0)
        assert exe.run(main, {"x": value}, [y])[0].tolist() == [[2, 2]]
        fluid.layers.assign(fluid.layers.scale(y, bias=1.0), y)
        assert exe.run(main, {"x": value}, [y])[0].tolist() == [[3, 3]]
    main.global_block().ops[0]._set_attr("scale", 5.0)
    assert exe.run(main, {"x": value}, [y])[0].tolist() == [[6, 6]]


def test_each_scope_has_its_parameters_and_nothing_under_the_names_of_others(fluid, built):
    main, loss, exe, scope = built
    child = scope.new_scope()
    weight = main.all_parameters()[0].name
    child.var(weight).get_tensor().set(np.zeros((4, 8), "float32"), fluid.CPUPlace())
    test = main.clone(for_test=True)._prune([loss])
    for _ in range(2):
        ours, theirs = (exe.run(test, _batch(0), [loss], scope=where)[0] for where in (scope, child))
        assert ours != theirs
    assert scope.find_var("x") is None
    assert scope.find_var(loss.name) is None


def test_a_loaded_program_is_made_ready_without_its_feed_and_fetch_operators(fluid, tmp_path):
    main, startup, value = fluid.Program(), fluid.Program(), np.ones((2, 3), "float32")
    exe = fluid.Executor(fluid.CPUPlace())
    with fluid.program_guard(main, startup), fluid.scope_guard(fluid.Scope()):
        out = fluid.layers.fc(fluid.layers.data("x", [3]), 2, act="softmax")
        exe.run(startup)
        wanted = exe.run(main, {"x": value}, [out])[0]
        fluid.io.save_inference_model(str(tmp_path), ["x"], [out], exe, main)
    with fluid.scope_guard(fluid.Scope()):
        program, names, targets = fluid.io.load_inference_model(str(tmp_path), exe)
        for _ in range(2):
            assert np.array_equal(exe.run(program, {names[0]: value}, targets)[0], wanted)
    assert next(reversed(exe._prepared.values())), "it was run the long way"
    assert program.global_block().ops[0].type == "feed"


def test_a_parameter_may_be_fed_and_keeps_its_value(fluid, built):
    main, loss, exe, scope = built
    test = main.clone(for_test=True)._prune([loss])
    weight = main.all_parameters()[0].name
    for value in (0.0, 1.0):
        given = np.full((4, 8), value, "float32")
        exe.run(test, {**_batch(0), weight: given}, [loss], scope=scope)
        assert np.array_equal(np.array(scope.find_var(weight).get_tensor()), given)


def test_a_closed_executor_says_so(fluid, built):
    main, loss, exe, scope = built
    exe.run(main, _batch(0), [loss], scope=scope)
    exe.close()
    with pytest.raises(RuntimeError, match="closed"):
        exe.run(main, _batch(0), [loss], scope=scope)


def test_little_work_is_done_by_one_thread_and_the_others_come_back(fluid, built, monkeypatch):
    from legacy_fluid import prepared

    main, loss, exe, scope = built
    told = []
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr(prepared.core, "set_num_threads", told.append)
    exe.run(main, _batch(0), [loss], scope=scope)
    assert told == [1, 2]
    exe.run(main, _batch(0, rows=5000), [loss], scope=scope)
    assert told == [1, 2], "much work is for all threads"
    with pytest.raises(ValueError, match=r"operator < \w+ > error"):
        exe.run(main, {"x": np.ones((6, 5), "float32"), "y": _batch(0)["y"]}, [loss], scope=scope)
    assert told == [1, 2, 1, 2]


def test_operators_run_on_the_thread_that_asks_and_the_core_is_left_as_it_was(fluid):
    """Two threads at once, whose runs begin and end in turns."""
    meeting, ran_on = threading.Barrier(2, timeout=60), {}

    def train(name):
        main, scope = fluid.Program(), fluid.Scope()
        with lock, fluid.program_guard(main, fluid.Program()):
            x = fluid.data(f"x_{name}", [None, 2])
            seen = main.current_block().create_var(name=f"seen_{name}", dtype="float32", shape=[-1, 2])
            fluid.layers.py_func(lambda value: ran_on[name].append(threading.get_ident()) or np.array(value), x, seen)
            y = fluid.layers.scale(seen, 2.0)
        exe, ran_on[name] = fluid.Executor(fluid.CPUPlace()), []
        for _ in range(20):
            meeting.wait()
            assert exe.run(main, {x.name: np.ones((3, 2), "float32")}, [y], scope=scope)[0].sum() == 12
        return threading.get_ident()

    lock = threading.Lock()
    with ThreadPoolExecutor(2) as pool:
        threads = list(pool.map(train, "ab"))
    assert {name: set(numbers) for name, numbers in ran_on.items()} == {"a": {threads[0]}, "b": {threads[1]}}
    assert not fluid.core.globals()["FLAGS_new_executor_serial_run"]
    assert not fluid.core.globals()["FLAGS_new_executor_sequential_run"]


def test_constants_are_those_of_their_program_and_of_no_run_before(fluid):
    """Two programs name their variables alike; one changes its constant in place, the other fetches it, too."""
    layers, exe, scope, x = fluid.layers, fluid.Executor(fluid.CPUPlace()), fluid.Scope(), np.ones((2, 3), "float32")

    def program(value, in_place):
        main = fluid.Program()
        with fluid.program_guard(main, fluid.Program()), fluid.unique_name.guard():
            constant = layers.fill_constant([1], "float32", value)
            if in_place:
                constant = layers.increment(constant)
            table = layers.assign(np.arange(3, dtype="float32") * value)
            return main, [layers.data("x", [3]) + table + constant, constant, table]

    programs = [program(3.0, False), program(5.0, True)]
    for _ in range(3):
        for (main, found), value, constant in zip(programs, (3, 5), (3, 6), strict=True):
            total, *rest = exe.run(main, {"x": x}, found, scope=scope)
            alone = exe.run(main, {"x": x}, found[:1], scope=scope)[0]
            np.testing.assert_array_equal(total, x + np.arange(3) * value + constant)
            np.testing.assert_array_equal(alone, total)
            np.testing.assert_array_equal(rest[0], [constant])
            np.testing.assert_array_equal(rest[1], np.arange(3) * value)
    assert all(exe._prepared.values())


def test_a_program_that_resets_a_variable_resets_it_at_each_run(fluid):
    reset, scope, exe = fluid.Program(), fluid.Scope(), fluid.Executor(fluid.CPUPlace())
    with fluid.program_guard(reset, fluid.Program()), fluid.unique_name.guard():
        kept = fluid.layers.create_global_var([1], 0.0, "float32", persistable=True)
        fluid.layers.fill_constant([1], "float32", 4.0, out=kept)
    for _ in range(3):
        exe.run(reset, scope=scope)
        tensor = scope.find_var(kept.name).get_tensor()
        assert np.array(tensor).tolist() == [4.0]
        tensor.set(np.array([9], "float32"), fluid.CPUPlace())


@pytest.mark.parametrize(("size", "kinds"), [(1, ["elementwise_add"]), (5000, ["fill_constant", "elementwise_add"])])
def test_a_small_constant_is_computed_once_and_a_large_one_each_time(fluid, size, kinds):
    from paddle.base import core

    from legacy_fluid.prepared import _hoist

    main, scope, where = fluid.Program(), fluid.Scope(), core.Place()
    where.set_place(fluid.CPUPlace())
    with fluid.program_guard(main, fluid.Program()), fluid.unique_name.guard():
        total = fluid.layers.data("x", [size]) + fluid.layers.fill_constant([size], "float32", 2.0)
    _hoist(main, {"x", total.name}, scope, where)
    ops = [main.desc.block(0).op(index) for index in range(main.desc.block(0).op_size())]
    assert [op.type() for op in ops] == kinds
    if size == 1:
        assert np.array(scope.find_var(ops[0].input("Y")[0]).get_tensor()).tolist() == [2.0]
