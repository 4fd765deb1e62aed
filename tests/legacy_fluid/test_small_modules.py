"""Modules of a few names: averages, scopes, trainers, the reader of one process of several, the check of the installation."""

import numpy as np
import pytest

import legacy_fluid as fluid
from legacy_fluid import average, default_scope_funcs, device_worker, install_check, trainer_desc, trainer_factory
from legacy_fluid.contrib import distributed_batch_reader


@pytest.fixture
def mean():
    with pytest.warns(Warning, match=r"use fluid\.metrics\.Accuracy"):
        return average.WeightedAverage()


def test_a_mean_counts_by_weight(mean):
    mean.add(2.0, 1)
    mean.add(np.array([5.0]), np.array([2.0]))
    assert mean.eval() == pytest.approx([4.0])
    mean.reset()
    mean.add(np.ones((2, 2)), 3)
    mean.add(np.zeros((2, 2)), 1)
    np.testing.assert_array_equal(mean.eval(), np.full((2, 2), 0.75))


def test_what_a_mean_cannot_take_is_named(mean):
    with pytest.raises(ValueError, match="nothing to average"):
        mean.eval()
    with pytest.raises(ValueError, match="a number or a numpy array, not '2'"):
        mean.add("2", 1)
    for weight in ("1", np.ones(2)):
        with pytest.raises(ValueError, match="weight is a number, not"):
            mean.add(1, weight)


def test_a_local_scope_sees_what_is_around_it_and_ends():
    default_scope_funcs.enter_local_scope()
    around = default_scope_funcs.var("around")
    seen = []

    def inside():
        default_scope_funcs.var("local")
        seen.append(default_scope_funcs.find_var("local") is not None)
        seen.append(default_scope_funcs.find_var("around") is not None)

    default_scope_funcs.scoped_function(inside)
    assert seen == [True, True]
    assert default_scope_funcs.find_var("local") is None
    assert default_scope_funcs.get_cur_scope().find_var("around") is not None
    assert around is not None
    default_scope_funcs.leave_local_scope()
    assert default_scope_funcs.find_var("around") is None


def test_a_process_reads_every_nth_batch(monkeypatch):
    monkeypatch.setenv("PADDLE_TRAINERS_NUM", "3")
    parts = []
    for process in range(3):
        monkeypatch.setenv("PADDLE_TRAINER_ID", str(process))
        parts.append(list(distributed_batch_reader(lambda: iter(range(8)))()))
    assert parts == [[0, 3], [1, 4], [2, 5]]  # the last two batches are too few for all
    monkeypatch.setenv("PADDLE_TRAINER_ID", "3")
    with pytest.raises(AssertionError, match="PADDLE_TRAINER_ID 3 is below PADDLE_TRAINERS_NUM 3"):
        distributed_batch_reader(lambda: iter(()))


@pytest.mark.parametrize(
    ("options", "trainer", "worker"),
    [
        (None, trainer_desc.MultiTrainer, device_worker.Hogwild),
        (
            {"trainer": "DistMultiTrainer", "device_worker": "DownpourSGD"},
            trainer_desc.DistMultiTrainer,
            device_worker.DownpourSGD,
        ),
    ],
)
def test_a_trainer_is_made_by_its_name(options, trainer, worker):
    made = trainer_factory.TrainerFactory()._create_trainer(options)
    assert (type(made), type(made._device_worker)) == (trainer, worker)


def test_a_worker_is_made_by_its_name():
    assert type(device_worker.DeviceWorkerFactory()._create_device_worker("Hogwild")) is device_worker.Hogwild


def test_a_trainer_describes_itself():
    trainer = trainer_desc.MultiTrainer()
    trainer._set_thread(3)
    trainer._set_debug(True)
    trainer._set_device_worker(device_worker.Hogwild())
    trainer._set_program(fluid.Program())
    trainer._gen_trainer_desc()
    text = str(trainer.proto_desc)
    for line in ('class_name: "MultiTrainer"', "thread_num: 3", "debug: true", 'device_worker_name: "HogwildWorker"'):
        assert line in text


def test_the_installation_is_found_to_work(capsys):
    install_check.run_check()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Running Verify Fluid Program ... "
    assert lines[-1].startswith("Your Paddle Fluid is installed successfully!")
