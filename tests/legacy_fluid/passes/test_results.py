"""No pass changes what a program computes, whatever stands next to what in it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import graphs

NAMES = (*graphs.GRAPHS, graphs.TEXT_CNN)


@pytest.fixture(scope="module")
def differences():
    """What graphs.py prints: a hang or a crash of oneDNN ends that process, and these tests."""
    script = Path(graphs.__file__)
    done = subprocess.run(
        [sys.executable, str(script), *NAMES],
        capture_output=True,
        text=True,
        timeout=110,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_loss_and_gradients_of_the_first_step_differ_by_rounding_alone(differences, name):
    assert differences[name]["first"] < 5e-6


@pytest.mark.parametrize("name", NAMES)
def test_after_fifty_steps_the_parameters_are_those_of_the_plain_program(differences, name):
    assert differences[name]["last"] < 1e-4


def test_batches_of_changing_sizes_train_as_without_passes():
    sizes = (8, 3, 16, 1, 8)
    with graphs.passes.using("none"):
        plain = graphs.train("lenet_without_norm", 10, sizes)
    ours = graphs.train("lenet_without_norm", 10, sizes)
    assert graphs.apart(ours[1], plain[1]) < 1e-5


def test_an_image_of_one_channel_is_laid_out_right():
    with graphs.passes.using("none"):
        plain = graphs.train("lenet", 5, channels=1)
    ours = graphs.train("lenet", 5, channels=1)
    assert graphs.apart(ours[0], plain[0]) < 2e-6
    assert graphs.apart(ours[1], plain[1]) < 1e-5


def test_for_one_thread_a_training_is_the_same_to_the_last_bit_each_time():
    runs = [graphs.train("lenet", 4) for _ in range(3)]
    assert all(graphs.apart(run[1], runs[0][1]) == 0 for run in runs)
