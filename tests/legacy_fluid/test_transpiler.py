"""Programs for several processes: how variables are cut and spread, and the one process that is had here."""

import pytest

import legacy_fluid as fluid
from legacy_fluid.transpiler import HashName, RoundRobin, collective, memory_optimize, release_memory
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


@pytest.mark.parametrize("trainers", [2, "a:1,b:1"])
def test_several_trainers_are_told_what_to_do(trainers):
    with pytest.raises(NotImplementedError, match=r"2 trainers cannot be had.*paddle\.distributed\.fleet"):
        fluid.DistributeTranspiler().transpile(trainer_id=0, trainers=trainers)


@pytest.mark.parametrize("method", ["get_pserver_program", "get_pserver_programs", "get_startup_program"])
def test_a_server_is_told_what_to_do(method):
    with pytest.raises(NotImplementedError, match=r"a parameter server cannot be had.*paddle\.distributed\.fleet"):
        getattr(fluid.DistributeTranspiler(), method)("a:1")


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
