"""Passes are named, switched, applied to what runs, and seen by nobody."""

import os
import subprocess
import sys

import numpy as np
import pytest

from legacy_fluid import passes
from legacy_fluid.lowering import lowered

from . import graphs


def test_every_row_has_a_name_of_its_own_and_a_reason():
    names = [row.name for row in passes.PASSES]
    assert len(set(names)) == len(names)
    assert all(row.why and row.about for row in passes.PASSES)
    assert passes.used() == NAMES


NAMES = tuple(row.name for row in passes.PASSES)


@pytest.mark.parametrize(
    ("words", "used"),
    [
        (["all"], NAMES),
        (["none"], ()),
        (["channels_last"], ("channels_last",)),
        (["channels_last", "pool_first"], ("pool_first", "channels_last")),
        (["-channels_last"], tuple(name for name in NAMES if name != "channels_last")),
        ([f"-{name}" for name in NAMES], ()),
    ],
)
def test_passes_are_chosen_by_name(words, used):
    before = passes.used()
    with passes.using(*words):
        assert passes.used() == used
    assert passes.used() == before


def test_a_pass_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(ValueError, match=f"'pool_last'; there are {', '.join(NAMES)}"):
        passes.use("-pool_last")


def test_an_old_script_is_told_by_the_environment():
    command = "import legacy_fluid.passes as passes; print(*passes.used())"
    env = {**os.environ, passes.VARIABLE: " channels_last,pool_first"}
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, timeout=60, env=env)
    assert done.stdout.split() == ["pool_first", "channels_last"], done.stderr


def _types(program):
    return [op.type for op in program.global_block().ops]


def _optimized(name, *used):
    main, _, loss = graphs.build(name)
    with passes.using(*used):
        return lowered(main), passes.optimized(lowered(main), [loss.name])


def test_the_program_of_the_user_is_as_it_was():
    main, startup, loss = graphs.build("lenet")
    before = main.to_string(True)
    executor, scope = graphs.fluid.Executor(graphs.fluid.CPUPlace()), graphs.fluid.Scope()
    with graphs.fluid.scope_guard(scope):
        executor.run(startup)
        executor.run(main, feed=next(graphs.batches("lenet")), fetch_list=[loss])
    assert main.to_string(True) == before


def test_a_program_without_work_for_a_pass_runs_as_it_is():
    plain, same = _optimized("mlp", "pool_first", "channels_last")
    assert same is plain


def test_a_program_is_changed_once_for_what_it_fetches():
    main, _, loss = graphs.build("lenet")
    program = lowered(main)
    assert passes.optimized(program, [loss.name]) is passes.optimized(program, [loss.name])


def test_bias_and_activation_go_behind_the_pool_and_their_gradients_before_it():
    plain, moved = _optimized("lenet", "pool_first")
    assert _types(plain)[:4] == ["conv2d", "elementwise_add", "relu", "pool2d"]
    assert _types(moved)[:4] == ["conv2d", "pool2d", "elementwise_add", "relu"]
    assert sorted(_types(plain)) == sorted(_types(moved))
    backward = [kind for kind in _types(moved) if kind in ("pool2d_grad", "relu_grad", "conv2d_grad")]
    assert backward == ["relu_grad", "pool2d_grad", "conv2d_grad"] * 2


def test_an_activation_that_two_read_stays_before_its_pools():
    plain, same = _optimized("two_readers", "pool_first")
    assert same is plain


def test_an_activation_that_is_fetched_stays_before_its_pool():
    main, _, _ = graphs.build("lenet")
    fetched = next(op for op in main.global_block().ops if op.type == "relu").output("Out")
    with passes.using("pool_first"):
        kinds = _types(passes.optimized(lowered(main), fetched))
    assert kinds[:4] == ["conv2d", "elementwise_add", "relu", "pool2d"]


def test_kernels_of_onednn_are_chosen_for_images_alone():
    _, changed = _optimized("lenet", "channels_last")
    chosen = {op.type for op in changed.global_block().ops if op.desc.has_attr("use_mkldnn") and op.attr("use_mkldnn")}
    kinds = {"conv2d", "pool2d", "relu"}
    assert chosen == kinds | {f"{kind}_grad" for kind in kinds}


def test_the_gradient_of_a_bias_of_images_is_a_product():
    _, before = _optimized("lenet", "channels_last")
    _, after = _optimized("lenet", "channels_last", "bias_sums")
    counts = [[_types(program).count(kind) for kind in ("elementwise_add_grad", "mul")] for program in (before, after)]
    assert counts == [[3, 1], [1, 3]]  # that of the fc stays


def test_the_gradient_of_a_bias_stays_where_the_channels_do_not_come_last():
    plain, same = _optimized("lenet", "bias_sums")
    assert same is plain


def test_without_garbage_collection_no_kernel_of_onednn_is_chosen():
    flag = "FLAGS_eager_delete_tensor_gb"
    before = graphs.fluid.get_flags(flag)
    graphs.fluid.set_flags({flag: -1.0})
    try:
        plain, same = _optimized("lenet", "channels_last")
    finally:
        graphs.fluid.set_flags(before)
    assert same is plain


def _run(main, startup, feed, fetched):
    executor, scope = graphs.fluid.Executor(graphs.fluid.CPUPlace()), graphs.fluid.Scope()
    with graphs.fluid.scope_guard(scope):
        executor.run(startup)
        return executor.run(main, feed=feed, fetch_list=fetched)


@pytest.mark.parametrize("name", ["lenet", "resnet", "convolution_after_convolution", "small_images"])
def test_every_value_between_can_be_fetched_in_its_own_layout(name):
    main, startup, _ = graphs.build(name)
    block = main.global_block()
    results = [op.output_arg_names[0] for op in block.ops if op.type in ("conv2d", "conv2d_grad", "relu", "pool2d")]
    feed = next(graphs.batches(name))
    with passes.using("none"):
        plain = _run(main, startup, feed, results)
    for ours, theirs in zip(_run(main, startup, feed, results), plain, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * abs(theirs).max())


def test_a_program_for_testing_gives_what_the_plain_one_gives():
    main, startup, loss = graphs.build("lenet")
    test, feed = main.clone(for_test=True)._prune(loss), next(graphs.batches("lenet"))
    with passes.using("none"):
        plain = _run(test, startup, feed, [loss])
    np.testing.assert_allclose(_run(test, startup, feed, [loss])[0], plain[0], rtol=1e-5)


def test_a_program_for_testing_sees_what_was_learnt_since_it_last_ran():
    main, startup, loss = graphs.build("lenet")
    test, feed = main.clone(for_test=True)._prune(loss), next(graphs.batches("lenet"))

    def losses():
        executor, scope = graphs.fluid.Executor(graphs.fluid.CPUPlace()), graphs.fluid.Scope()
        with graphs.fluid.scope_guard(scope):
            executor.run(startup)
            return [executor.run(p, feed=feed, fetch_list=[loss])[0] for _ in range(4) for p in (main, test)]

    with passes.using("none"):
        plain = losses()
    np.testing.assert_allclose(losses(), plain, rtol=1e-4)


def test_programs_with_the_same_names_and_other_convolutions_do_not_meet_in_onednns_memory():
    fluid = graphs.fluid
    feed = {"img": np.random.RandomState(0).rand(4, 3, 16, 16).astype("float32")}
    programs = {}
    for stride, padding in ((1, 0), (2, 0), (2, 1), (1, 1)):
        main, startup = fluid.Program(), fluid.Program()
        main.random_seed = startup.random_seed = 1
        with fluid.program_guard(main, startup), fluid.unique_name.guard():
            img = fluid.layers.data(name="img", shape=[3, 16, 16], dtype="float32")
            out = fluid.layers.conv2d(img, 5, 3, stride=stride, padding=padding)
        programs[stride, padding] = (main, startup, out.name)
    for _ in range(3):
        for main, startup, out in programs.values():
            with passes.using("none"):
                plain = _run(main, startup, feed, [out])
            np.testing.assert_allclose(_run(main, startup, feed, [out])[0], plain[0], rtol=1e-4, atol=1e-5)


def test_after_so_many_shapes_a_program_is_run_in_another_one_without_onednn(monkeypatch):
    monkeypatch.setattr(passes, "_ways", set())
    monkeypatch.setattr(passes, "MOST_WAYS", 2)
    main, _, loss = graphs.build("lenet")
    program = lowered(main)

    def uses_onednn(batch):
        ops = passes.optimized(program, [loss.name], lambda: batch).global_block().ops
        return any(op.has_attr("use_mkldnn") and op.attr("use_mkldnn") for op in ops)

    assert [uses_onednn(batch) for batch in (64, 32, 16, 64, 32, 8)] == [True, True, False, True, True, False]


def test_a_program_without_images_takes_no_room_for_shapes(monkeypatch):
    monkeypatch.setattr(passes, "_ways", set())
    main, _, loss = graphs.build("mlp")
    passes.optimized(lowered(main), [loss.name], lambda: 64)
    assert passes._ways == set()
