"""Trains below FOLDER, once undisturbed and then killed KILLS times at random moments and resumed; prints how it went.

    python -m tests.pipeline.killing FOLDER DATA KILLS SEED

A process of its own, which imports all that a training needs and forks for each, so that 20 kills take seconds. Half of
the kills come after a random time, half at a random one of the calls that write a checkpoint: a rename, a removal, a
flush to the disk.
"""

import json
import os
import random
import signal
import sys
import time
import zlib  # noqa: F401  before paddle
from pathlib import Path
from typing import Any

import matplotlib.figure  # noqa: F401  imported here once, not in each training

import legacy_fluid as fluid
import pipeline.trainer  # noqa: F401
from pipeline.config import TrainConfig
from pipeline.models import MODELS, Model, Recipe
from pipeline.train import train

CALLS = ("fsync", "mkdir", "rename", "replace", "rmdir", "unlink")


def small(img: Any, classes: int = 10) -> Any:
    """A graph with all that has a state or draws: convolution, batch_norm, two dropouts."""
    hidden = fluid.nets.simple_img_conv_pool(
        input=img, filter_size=5, num_filters=4, pool_size=2, pool_stride=2, act="relu"
    )
    hidden = fluid.layers.dropout(fluid.layers.batch_norm(hidden), 0.2)
    hidden = fluid.layers.dropout(fluid.layers.fc(hidden, size=16, act="relu"), 0.5)
    return fluid.layers.fc(input=hidden, size=classes, act="softmax")


RECIPE = Recipe(
    epochs=3, batch_size=32, learning_rate=0.01, decay="cosine", warmup=0.1, l2=1e-4, weight_decay=0.01,
    label_smoothing=0.1, average=0.9, precise_bn=40, augment="rotate=10,shift=2,elastic=1", shuffle_buffer=50, valid_size=64,
)  # fmt: skip


def outcome(folder: Path) -> dict[str, Any]:
    """Return what must not differ: checksums of parameters and optimizer state, metrics without times, the best pass."""
    found: dict[str, Any] = {}
    for name in ("last", "best"):
        state = json.loads((folder / "checkpoints" / name / "state.json").read_text())
        found[name] = {file: state["files"][file] for file in ("model.pdparams", "model.pdopt", "random.json")}
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    found["rows"] = [{**row, "seconds": None} for row in rows]
    found["stage"] = json.loads((folder / "manifest.json").read_text())["stages"]["train"]["best"]
    return found


def in_a_fork(config: TrainConfig, die_at: int | None) -> int:
    """Train, or go on, in a child process that kills itself at its `die_at`-th call to write; return its id."""
    child = os.fork()
    if not child:
        code = 1
        try:
            if die_at is not None:
                count_down(die_at)
            begun = (Path(config.runs_dir) / config.run / "config.json").exists()
            train(config, [lambda event: None], resume=begun)
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    return child


def count_down(calls: int) -> None:
    """Make this process kill itself before the given call from now on to one of CALLS."""
    left = [calls]

    def wrapped(call: Any) -> Any:
        def counted(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return counted

    for name in CALLS:
        setattr(os, name, wrapped(getattr(os, name)))


def run(folder: Path, data: str, kills: int, seed: int) -> dict[str, Any]:
    """Return how many kills there were, how many trainings they were spread over, and which of these ended otherwise."""
    MODELS["small"] = Model("tests.pipeline.killing:small", RECIPE)
    draw = random.Random(seed)

    def config(name: str) -> TrainConfig:
        # A checkpoint after every step: there is hardly a moment at which none is being written.
        return TrainConfig(model="small", data=data, run=name, runs_dir=str(folder), checkpoint_every=1e-9, log_every=1)

    _, code = os.waitpid(in_a_fork(config("whole"), None), 0)
    assert code == 0, "the training that nobody killed failed"
    whole = outcome(folder / "whole")
    done, trainings, failures = 0, 0, []
    while done < kills:
        name = f"killed-{trainings}"
        while True:
            at_call = draw.random() < 0.5 and done < kills
            child = in_a_fork(config(name), draw.randrange(150) if at_call else None)
            if not at_call and done < kills:
                time.sleep(draw.uniform(0, 1.0))
                os.kill(child, signal.SIGKILL)
            _, code = os.waitpid(child, 0)
            if not os.WIFSIGNALED(code):
                break
            done += 1
        if code or outcome(folder / name) != whole:
            failures.append(name)
        trainings += 1
    return {"kills": done, "trainings": trainings, "failures": failures}


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
