"""Programs for several processes: how variables are cut and spread, and the one process that is had here."""

import socket

import pytest

import legacy_fluid as fluid
from legacy_fluid import layers
from legacy_fluid.transpiler import HashName, RoundRobin, collective, details, memory_optimize, release_memory
from legacy_fluid.transpiler import distribute_transpiler as transpiler

SLICES = [
    # shape, so many at most, of so many elements at least, the blocks' elements
    ([100, 1000], 3, 8192, [34000, 34000, 32000]),
    ([3, 9000], 8, 8192, [9000, 9000, 9000]),
    ([7], 2, 8192, [7]),
    ([20000], 2, 8192, [10000, 10000]),
    ([33, 17, 55], 8, 1024, [4675] * 6 + [2805]),
    ([1, 8192], 3, 1, [8192]),
]


@pytest.mark.parametrize(("shape", "count", "least", "sizes"), SLICES)
def test_variables_are_cut_in_blocks_of_whole_rows(shape, count, least, sizes):
    with fluid.program_guard(fluid.Program(), fluid.Program()):
        var = fluid.data("w", shape)
        blocks = transpiler.slice_variable([var, fluid.data("b", [1])], count, least)
    assert blocks == [*(f"w:{index}:{size}" for index, size in enumerate(sizes)), "b:0:1"]


def test_a_block_goes_by_its_variables_name():
    names = ["w", "w.block0", "w2", "v"]
    assert [transpiler.same_or_split_var(name, "w") for name in names] == [True, True, False, False]
    assert str(transpiler.VarBlock("w", 2, 30)) == "w:2:30"


def test_servers_take_turns():
    servers = RoundRobin(["a", "b", "c"])
    assert [servers.dispatch([1, 2]), servers.dispatch([1, 2])] == [["a", "b"], ["c", "a"]]
    servers.reset()
    assert servers.dispatch([1]) == ["a"]


def test_a_name_stays_with_its_server():
    class Named:
        def __init__(self, name):
            self.name = lambda: name

    servers = HashName(["a", "b", "c"])
    chosen = servers.dispatch([Named("w"), Named("b"), Named("w")])
    assert chosen[0] == chosen[2] == servers.eps[hash("w") % 3]


def test_one_trainer_keeps_its_program():
    config = fluid.DistributeTranspilerConfig()
    made = fluid.DistributeTranspiler(config)
    program = fluid.Program()
    made.transpile(trainer_id=0, program=program, pservers="a:1,b:1", trainers=1)
    assert made.get_trainer_program() is program
    assert (made.pserver_endpoints, config.split_method) == (["a:1", "b:1"], RoundRobin)
    made.transpile(trainer_id=0, program=program, trainers="a:1")


def updating_program():
    program = fluid.Program()
    with fluid.program_guard(program, fluid.Program()):
        fluid.optimizer.SGD(0.1).minimize(layers.mean(layers.fc(fluid.data("x", [None, 4]), 1)))
    return program


@pytest.mark.parametrize("trainers", [2, "a:1,b:1"])
def test_several_trainers_are_told_what_to_do(trainers):
    with pytest.raises(NotImplementedError, match=r"2 trainers cannot be had.*paddle\.distributed\.fleet"):
        fluid.DistributeTranspiler().transpile(trainer_id=0, program=updating_program(), trainers=trainers)


SERVER = ["get_pserver_program", "get_pserver_programs", "get_startup_program"]


@pytest.mark.parametrize("method", SERVER)
def test_a_server_is_told_what_to_do(method):
    made = fluid.DistributeTranspiler()
    made.transpile(trainer_id=0, program=updating_program(), trainers=1)
    with pytest.raises(NotImplementedError, match=r"a parameter server cannot be had.*paddle\.distributed\.fleet"):
        getattr(made, method)("a:1")


@pytest.mark.parametrize("method", SERVER)
def test_servers_of_a_program_that_updates_nothing_have_nothing_to_run(method):
    made = fluid.DistributeTranspiler()
    program = fluid.Program()
    made.transpile(trainer_id=0, program=program, trainers=4, pservers="a:1,b:1")
    assert made.get_trainer_program() is program
    found = getattr(made, method)("a:1")
    for one in found if isinstance(found, tuple) else [found]:
        assert one.global_block().ops == []


def test_settings_that_exclude_each_other_are_told():
    config = fluid.DistributeTranspilerConfig()
    with pytest.raises(ValueError, match="exclude each other: set sync_mode to False first"):
        config.runtime_split_send_recv = True
    config.sync_mode = False
    config.runtime_split_send_recv = True
    with pytest.raises(ValueError, match="set runtime_split_send_recv to False first"):
        config.sync_mode = True
    with pytest.raises(ValueError, match="sync_mode is True or False, not None"):
        config.sync_mode = None
    config.min_block_size = 100
    with pytest.raises(AssertionError, match="8192 or more, not 100"):
        fluid.DistributeTranspiler(config)


@pytest.mark.parametrize(("kind", "mode"), [("GradAllReduce", "grad_allreduce"), ("LocalSGD", "local_sgd")])
def test_an_exchange_between_processes_is_told_what_to_do(kind, mode):
    exchange = getattr(collective, kind)(nrings=3)
    assert (exchange.nrings, exchange.mode) == (3, mode)
    programs = fluid.Program(), fluid.Program()
    with pytest.raises(NotImplementedError, match=rf"{kind}: the core lacks.*paddle\.distributed\.fleet"):
        exchange.transpile(*programs, 0, "a:1,b:1", "a:1", False)
    with pytest.raises(ValueError, match="several endpoints, not"):
        exchange.transpile(*programs, 0, ["a:1"], "a:1", False)
    for rank, endpoint in ((-1, "a:1"), (0, "c:1")):
        with pytest.raises(ValueError, match=f"rank {rank} at {endpoint} is none of"):
            exchange.transpile(*programs, rank, ["a:1", "b:1"], endpoint, False)


def test_a_snapshot_has_a_name():
    assert collective.LocalSGD().snapshot_name("w") == "w@SNAPSHOT"


def test_how_servers_speak_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("FLAGS_rpc_get_thread_num", "3")
    config = transpiler.ServerRuntimeConfig()
    assert (config._rpc_send_thread_num, config._rpc_get_thread_num) == (12, 3)
    assert [getattr(transpiler.DistributedMode, mode) for mode in ("SYNC", "ASYNC", "HALF_ASYNC", "GEO")] == [
        0,
        1,
        2,
        3,
    ]


def test_what_is_logged_is_printed_where_asked_to(monkeypatch, capsys):
    transpiler.log("unseen")
    monkeypatch.setattr(transpiler, "PRINT_LOG", True)
    transpiler.log("seen", 1)
    assert capsys.readouterr().out == "('seen', 1)\n"


@pytest.mark.parametrize("optimize", [memory_optimize, release_memory])
def test_memory_is_saved_by_the_core(optimize, caplog):
    program = fluid.Program()
    before = program.to_string(True)
    optimize(program)
    assert program.to_string(True) == before
    assert f"{optimize.__name__} has no effect" in caplog.text


# --- details ---


def counting_program():
    """A program that counts to 3 in a sub-block."""
    program = fluid.Program()
    with fluid.program_guard(program, fluid.Program()), fluid.unique_name.guard():
        layers.fc(fluid.data("x", [None, 4]), 3, param_attr=fluid.ParamAttr("w", trainable=False), bias_attr=False)
        count, limit = (layers.fill_constant([1], "int64", value) for value in (0, 3))
        condition = layers.less_than(count, limit)
        with layers.While(condition).block():
            layers.increment(count)
            layers.less_than(count, limit, cond=condition)
    return program


def test_a_program_as_readable_code(capsys):
    details.program_to_code(counting_program())
    first, second = capsys.readouterr().out.split("}\n{")
    lines = first.splitlines()
    assert lines[0] == "{ // block 0"
    for line in (
        "    persist parameter w : fluid.VarType.LOD_TENSOR.shape(4, 3).astype(VarType.FP32)",
        "    var x : fluid.VarType.LOD_TENSOR.shape(-1, 4).astype(VarType.FP32)",
        "    var _generated_var_0 : fluid.VarType.STEP_SCOPES)",
    ):
        assert line in lines
    (product,) = [line for line in lines if "= mul(" in line]
    assert product.startswith("    {Out=['fc_0.tmp_0']} = mul(inputs={X=['x'], Y=['w']}, op_device = , ")
    assert "op_callstack" not in first
    assert "sub_block = block[1]" in lines[-1]
    assert second.startswith(" // block 1\n    {Out=['fill_constant_0.tmp_0']} = increment(")


def test_operators_are_found_by_what_they_take_and_give(capsys):
    block = counting_program().global_block()
    kinds = [op.type for op in block.ops]
    assert details.find_op_by_input_arg(block, "x") == kinds.index("mul")
    assert details.find_op_by_output_arg(block, "fill_constant_0.tmp_0") == kinds.index("fill_constant")
    assert details.find_op_by_output_arg(block, "fill_constant_0.tmp_0", reverse=True) == kinds.index("while")
    assert details.find_op_by_input_arg(block, "nope") == details.find_op_by_output_arg(block, "nope") == -1
    loop = block.ops[-1]
    details.delete_ops(block, [loop, block.ops[0], loop])
    assert [op.type for op in block.ops] == kinds[1:-1]
    assert capsys.readouterr().out == "an operator to delete is not in the block\n"


def test_servers_are_waited_for(monkeypatch, capsys):
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    endpoint = f"127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setattr(details.checkport.time, "sleep", lambda seconds: server.listen())
    with server:
        details.wait_server_ready([endpoint])
    assert capsys.readouterr().err == f"waiting for {endpoint}\n"
    with pytest.raises(AssertionError, match="a list of address:port"):
        details.wait_server_ready(endpoint)
