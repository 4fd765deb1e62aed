"""fleet with one worker: it trains, saves and goes on as the optimizer alone does; several workers are refused."""

import json

import numpy as np
import pytest
from programs import BIAS, WEIGHT, X, Y, gradients, regression, value_of

import legacy_fluid as fluid
from legacy_fluid.beside.fs_wrapper import LocalFS
from legacy_fluid.incubate.fleet import collective
from legacy_fluid.incubate.fleet.base import fleet_base, role_maker
from legacy_fluid.incubate.fleet.parameter_server import distribute_transpiler as servers
from legacy_fluid.incubate.fleet.parameter_server.distribute_transpiler import distributed_strategy as strategies

RATE, STEPS = 0.1, 3


def collective_role(workers=1):
    endpoints = [f"127.0.0.1:{6170 + index}" for index in range(workers)]
    return role_maker.UserDefinedCollectiveRoleMaker(current_id=0, worker_endpoints=endpoints)


def role_with_servers(workers=1, role=role_maker.Role.WORKER):
    return role_maker.UserDefinedRoleMaker(
        current_id=0, role=role, worker_num=workers, server_endpoints=["127.0.0.1:6180"]
    )


def descended():
    """The parameters after STEPS of gradient descent, in NumPy."""
    weight, bias = WEIGHT.astype("f8"), BIAS.astype("f8")
    for _ in range(STEPS):
        of_weight, of_bias = gradients(weight, bias)
        weight, bias = weight - RATE * of_weight, bias - RATE * of_bias
    return weight, bias


def train(fleet, role, strategy=None, **options):
    """Train the regression, and return the feed, the loss and the executor."""
    fleet.init(role)
    feed, loss = regression(fluid)
    for name, value in options.items():
        setattr(strategy, name, value(loss) if callable(value) else value)
    fleet.distributed_optimizer(fluid.optimizer.SGD(RATE), strategy).minimize(loss)
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(fleet.startup_program)
    for _ in range(STEPS):
        exe.run(fleet.main_program, feed=feed, fetch_list=[loss])
    return feed, loss, exe


@pytest.fixture(autouse=True)
def new_programs(fluid):
    return fluid


def assert_descended():
    for name, expected in zip("wb", descended(), strict=True):
        np.testing.assert_allclose(value_of(fluid, name), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_local_sgd": True},
        {"mode": "collective", "collective_mode": "grad_allreduce"},
        {"nccl_comm_num": 2, "use_hierarchical_allreduce": True},
        {"use_amp": True, "amp_loss_scaling": 8.0},
        {"forward_recompute": True, "recompute_checkpoints": lambda loss: [loss.block.var("fc_0.tmp_1")]},
        {"use_dist_fc": True, "dist_fc_config": collective.DistFCConfig()},
    ],
    ids=lambda options: ", ".join(options) or "as it comes",
)
def test_one_worker_of_a_collective_trains_as_the_optimizer_does(options):
    train(collective.fleet, collective_role(), collective.DistributedStrategy(), **options)
    assert_descended()


@pytest.mark.parametrize(
    "strategy",
    [
        None,
        "create_sync_strategy",
        "create_async_strategy",
        "create_half_async_strategy",
        "create_geo_strategy",
        fluid.DistributeTranspilerConfig(),
    ],
    ids=lambda strategy: strategy if isinstance(strategy, str) else type(strategy).__name__,
)
def test_one_worker_without_its_servers_trains_as_the_optimizer_does(strategy, capsys):
    made = getattr(strategies.StrategyFactory, strategy)() if isinstance(strategy, str) else strategy
    train(servers.fleet, role_with_servers(), made)
    servers.fleet.init_worker()
    assert "communicator_thread_pool_size" in capsys.readouterr().out
    assert_descended()
    servers.fleet.stop_worker()


@pytest.mark.parametrize(
    ("fleet", "role"), [(collective.fleet, collective_role()), (servers.fleet, role_with_servers())], ids=type
)
def test_a_worker_saves_its_model_and_its_state(fleet, role, tmp_path):
    feed, loss, exe = train(fleet, role)
    predicted = loss.block.var("fc_0.tmp_1")
    fleet.save_inference_model(exe, str(tmp_path / "model"), ["x"], [predicted])
    assert {path.name for path in (tmp_path / "model").iterdir()} == {"__model__", "w", "b"}
    fleet.save_persistables(exe, str(tmp_path / "state"))
    assert {path.name for path in (tmp_path / "state").iterdir()} == {"w", "b", "learning_rate_0"}
    with fluid.scope_guard(fluid.Scope()):
        program, names, targets = fluid.io.load_inference_model(str(tmp_path / "model"), exe)
        (value,) = exe.run(program, feed={name: feed[name] for name in names}, fetch_list=targets)
    weight, bias = descended()
    np.testing.assert_allclose(value, feed["x"] @ weight + bias, rtol=1e-5)


def test_who_a_worker_is():
    fleet = collective.Collective()
    fleet.init(role_maker.UserDefinedCollectiveRoleMaker(1, ["a:1", "b:1", "c:1"]))
    assert (fleet.worker_index(), fleet.worker_num()) == (1, 3)
    assert (fleet.is_worker(), fleet.is_first_worker()) == (True, False)
    assert (fleet.worker_endpoints(), fleet.worker_endpoints(to_string=True)) == (["a:1", "b:1", "c:1"], "a:1,b:1,c:1")
    assert (fleet.server_num(), fleet.server_endpoints(to_string=True)) == (0, "")
    parts = []
    for index in range(3):
        fleet.init(role_maker.UserDefinedCollectiveRoleMaker(index, ["a:1", "b:1", "c:1"]))
        parts.append(fleet.split_files(["1", "2", "3", "4", "5"]))
    assert parts == [["1", "2"], ["3", "4"], ["5"]]
    with pytest.raises(TypeError, match=r"are a list, not \('1',\)"):
        fleet.split_files(("1",))


def test_a_worker_trains_on_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the core writes into it what it is about to run
    rows = [[*map(float, x), float(y)] for x, y in zip(X, Y[:, 0], strict=True)]
    lines = [f"4 {' '.join(map(str, row[:4]))} 1 {row[4]}" for row in rows]
    (tmp_path / "rows.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    servers.fleet.init(role_with_servers())
    _, loss = regression(fluid)
    servers.fleet.distributed_optimizer(fluid.optimizer.SGD(RATE)).minimize(loss)
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(servers.fleet.startup_program)
    data = fluid.DatasetFactory().create_dataset("QueueDataset")
    data.set_use_var([loss.block.var(name) for name in "xy"])
    data.set_batch_size(len(rows))
    data.set_thread(1)
    data.set_filelist(servers.fleet.split_files(["rows.txt"]))
    for _ in range(STEPS):
        exe.train_from_dataset(servers.fleet.main_program, data)
    assert_descended()


ENVIRONMENT = dict(setting.split("=") for setting in fleet_base._ENVIRONMENT.split() if "=" in setting)


@pytest.mark.parametrize(
    ("fleet", "is_collective"), [(collective.fleet, True), (servers.fleet, False)], ids=["collective", "servers"]
)
def test_an_environment_that_does_not_say_who_a_process_is_can_be_set_as_told(fleet, is_collective, monkeypatch):
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises((AssertionError, KeyError), match="PADDLE_") as raised:
        fleet.init(role_maker.PaddleCloudRoleMaker(is_collective))
    assert raised.value.__notes__ == [fleet_base._ENVIRONMENT]
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    train(fleet, role_maker.PaddleCloudRoleMaker(is_collective))
    assert_descended()


# --- checkpoints ---


class Elsewhere(LocalFS):
    """A file system that only copies; it counts them."""

    def __init__(self):
        self.copies = []

    def need_upload_download(self):
        return True

    def upload(self, local_path, fs_path):
        self.copies.append((local_path, fs_path))
        self.mv(local_path, fs_path)

    def download(self, fs_path, local_path):
        self.copies.append((fs_path, local_path))
        self.mv(fs_path, local_path)


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_a_checkpoint_brings_a_training_back(is_elsewhere, tmp_path):
    fs = Elsewhere() if is_elsewhere else LocalFS()
    where = {"fs": fs, "local_cache_path": str(tmp_path / "cache")}
    fleet = collective.fleet
    _, _, exe = train(fleet, collective_role())
    folder = str(tmp_path / "checkpoints")
    assert fleet.load_check_point(exe, folder, 0, **where) is None
    with pytest.raises(AssertionError, match="no checkpoint in"):
        fleet.load_check_point(exe, folder, 0, **where, ignore_empty=False)
    for epoch in range(3):
        status = collective.TrainStatus(epoch)
        fleet.save_check_point(exe, folder, status, **where, remain_all_checkpoint=epoch < 2)
    assert fs.list_dirs(folder) == ["__paddle_fleet_checkpoint__.2"]
    with fluid.scope_guard(fluid.Scope()):
        status = fleet.load_check_point(exe, folder, 0, **where)
        assert_descended()
    assert (status, status.next()) == (collective.TrainStatus(2), 3)
    assert len(getattr(fs, "copies", ())) == (4 if is_elsewhere else 0)


def test_a_status_that_is_none_is_told(tmp_path):
    fleet = collective.fleet
    _, _, exe = train(fleet, collective_role())
    fleet.save_check_point(exe, str(tmp_path), collective.TrainStatus(4))
    status = tmp_path / "__paddle_fleet_checkpoint__.0" / "fleet_train_status"
    assert json.loads(status.read_text()) == {"epoch_no": 4}
    status.write_text("{}")
    with pytest.raises(AssertionError, match="fleet_train_status holds no epoch_no"):
        fleet.load_check_point(exe, str(tmp_path), 0)


# --- what is refused ---


@pytest.mark.parametrize(
    ("fleet", "role", "part"),
    [
        (collective.fleet, collective_role(2), "worker 0 of 2"),
        (servers.fleet, role_with_servers(2), "worker 0 of 2"),
        (servers.fleet, role_with_servers(role=role_maker.Role.SERVER), "a parameter server"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_of_several_processes_is_told_what_to_do_before_its_program_changes(fleet, role, part):
    fleet.init(role)
    _, loss = regression(fluid)
    optimizer = fleet.distributed_optimizer(fluid.optimizer.SGD(RATE))
    before = [op.type for op in loss.block.ops]
    with pytest.raises(NotImplementedError, match=f"this process is {part}.*paddle.distributed.fleet"):
        optimizer.minimize(loss)
    assert [op.type for op in loss.block.ops] == before


@pytest.mark.parametrize("method", ["init_server", "run_server"])
def test_a_server_is_told_what_to_do(method):
    with pytest.raises(NotImplementedError, match=f"{method}: this process is a parameter server"):
        getattr(servers.fleet, method)()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"use_local_sgd": True, "use_dist_fc": True}, AssertionError, "use_local_sgd cannot be used.*use_dist_fc"),
        ({"use_dist_fc": True}, AssertionError, "needs dist_fc_config"),
        ({"collective_mode": "local_sgd"}, AssertionError, 'goes with mode "collective", not "nccl2"'),
        ({"forward_recompute": True}, ValueError, "needs the strategy's recompute_checkpoints"),
        ({"recompute_checkpoints": "loss"}, ValueError, "are a list of Variables, not 'loss'"),
    ],
)
def test_a_strategy_that_cannot_be_is_told(options, error, message):
    with pytest.raises(error, match=message):
        train(collective.fleet, collective_role(), collective.DistributedStrategy(), **options)


def test_an_optimizer_that_does_what_the_strategy_asks_for_is_told():
    collective.fleet.init(collective_role())
    _, loss = regression(fluid)
    strategy = collective.DistributedStrategy()
    strategy.use_amp = True
    scaled = fluid.contrib.mixed_precision.decorate(fluid.optimizer.SGD(RATE))
    with pytest.raises(ValueError, match="OptimizerWithMixedPrecision cannot be used with the strategy's mixed"):
        collective.fleet.distributed_optimizer(scaled, strategy).minimize(loss)


def test_wrong_arguments_are_named(tmp_path):
    with pytest.raises(TypeError, match="not 'worker'"):
        collective.Collective().init("worker")
    with pytest.raises(TypeError, match=r"an optimizer of fluid\.optimizer, not 'SGD'"):
        fleet_base.DistributedOptimizer("SGD")
    with pytest.raises(AssertionError, match="strategy is a DistributedStrategy, not None"):
        collective.CollectiveOpBasedOptimizer(fluid.optimizer.SGD(RATE))
    with pytest.raises(ValueError, match=r"call fleet.init\(role\) first"):
        servers.DistributedTranspiler().distributed_optimizer(fluid.optimizer.SGD(RATE))
    servers.fleet.init(role_with_servers())
    with pytest.raises(TypeError, match=r"made by StrategyFactory.*not 'sync'"):
        servers.fleet.distributed_optimizer(fluid.optimizer.SGD(RATE), "sync")
    with pytest.raises(ValueError, match=r"an optimizer of fluid\.optimizer, not 'SGD'"):
        servers.fleet.distributed_optimizer("SGD")
    _, loss, exe = train(servers.fleet, role_with_servers())
    with pytest.raises(TypeError, match="one loss, not a list"):
        servers.fleet.distributed_optimizer(fluid.optimizer.SGD(RATE)).minimize([loss])
    with pytest.raises(TypeError, match="takes an Executor, not None"):
        servers.fleet.save_persistables(None, str(tmp_path))
    with pytest.raises(TypeError, match=r"takes a Program, not <legacy_fluid\.compiler\.CompiledProgram"):
        servers.fleet.save_persistables(exe, str(tmp_path), fluid.CompiledProgram(loss.block.program))
    with pytest.raises(AssertionError, match="minimize first"):
        collective.Collective().save_persistables(exe, str(tmp_path))


def test_what_a_fleet_without_servers_does_not_need_has_no_effect(caplog):
    fleet = collective.Collective()
    for method in (fleet.init_worker, fleet.run_worker, fleet.init_server, fleet.run_server, fleet.stop_worker):
        method()
    assert [record.getMessage().partition(" ")[0] for record in caplog.records] == [
        *("init_worker", "run_worker", "init_server", "run_server", "stop_worker")
    ]


# --- the strategies of workers and servers ---

FLAGS = {
    "communicator_max_merge_var_num": "2",
    "communicator_send_queue_size": "2",
    "communicator_thread_pool_size": "5",
    "communicator_send_wait_times": "5",
}


@pytest.mark.parametrize(
    ("mode", "program", "flags", "has_barrier"),
    [
        ("sync", {"half_async": True, "completely_not_async": True, "geo_sgd_mode": False}, [*FLAGS], True),
        ("half_async", {"half_async": True, "completely_not_async": False, "geo_sgd_mode": False}, [*FLAGS], True),
        (
            "async",
            {"half_async": False, "geo_sgd_mode": False},
            [*strategies.TrainerRuntimeConfig().runtime_configs],
            False,
        ),
        ("geo", {"half_async": False, "geo_sgd_mode": True, "geo_sgd_need_push_nums": 100}, [*FLAGS][2:], False),
    ],
)
def test_a_mode_sets_what_belongs_to_it(mode, program, flags, has_barrier, monkeypatch):
    monkeypatch.setenv("CPU_NUM", "2")
    strategy = getattr(strategies.StrategyFactory, f"create_{mode}_strategy")()
    strategy.set_program_config({"min_block_size": 9000})
    config = strategy.get_program_config()
    assert {name: getattr(config, name) for name in program} == program
    assert (config.min_block_size, config.sync_mode, config.runtime_split_send_recv) == (9000, False, True)
    assert sorted(strategy.get_trainer_runtime_config().get_communicator_flags()) == sorted(flags)
    assert (strategy.get_execute_strategy().num_threads, strategy.get_build_strategy().async_mode) == (2, True)
    assert strategy.get_execute_strategy().use_thread_barrier is has_barrier


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({}, strategies.SyncStrategy),
        ({"sync_mode": False}, strategies.HalfAsyncStrategy),
        ({"sync_mode": False, "runtime_split_send_recv": True}, strategies.AsyncStrategy),
        ({"sync_mode": False, "runtime_split_send_recv": True, "half_async": True}, strategies.HalfAsyncStrategy),
        ({"sync_mode": False, "runtime_split_send_recv": True, "geo_sgd_mode": True}, strategies.GeoStrategy),
    ],
)
def test_a_configuration_of_the_transpiler_describes_a_mode(settings, kind):
    config = fluid.DistributeTranspilerConfig()
    for name, value in settings.items():
        setattr(config, name, value)
    train(servers.fleet, role_with_servers(), config)
    assert type(servers.fleet._transpile_config) is kind
    assert servers.fleet._transpile_config.get_program_config() is config


def test_settings_of_a_worker_come_from_its_environment_and_from_the_program(monkeypatch, capsys):
    monkeypatch.setenv("CPU_NUM", "2")
    monkeypatch.setenv("FLAGS_communicator_send_wait_times", "7")
    strategy = strategies.StrategyFactory.create_sync_strategy()
    strategy.set_trainer_runtime_config({"communicator_send_queue_size": "9"})
    flags = strategy.get_trainer_runtime_config().get_communicator_flags()
    assert flags == {**FLAGS, "communicator_send_wait_times": "7"}
    assert "communicator_send_queue_size is CPU_NUM, 2, and not 9" in capsys.readouterr().out
    strategy.set_execute_strategy({"num_threads": 5})
    assert strategy.get_execute_strategy().num_threads == 5
    strategy.set_debug_opt({"dump_slot": 1, "dump_fields": ["loss"]})
    assert strategy.get_debug_opt() == {
        "dump_slot": True,
        "dump_converter": "",
        "dump_fields": ["loss"],
        "dump_file_num": 16,
        "dump_fields_path": "",
        "dump_param": [],
    }


@pytest.mark.parametrize("group", ["program_config", "trainer_runtime_config", "execute_strategy", "build_strategy"])
def test_a_setting_that_there_is_not_is_named(group):
    strategy = strategies.StrategyFactory.create_async_strategy()
    set_group = getattr(strategy, f"set_{group}")
    with pytest.raises(ValueError, match="has no setting 'nope'"):
        set_group({"nope": 1})
    with pytest.raises(TypeError, match="or a dict, not 3"):
        set_group(3)
    set_group(getattr(strategy, f"get_{group}")())
