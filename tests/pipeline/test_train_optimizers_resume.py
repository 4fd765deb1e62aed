"""Every choice of how to learn goes on bit for bit: all that outlives a step is in the checkpoint, or hangs on the step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import legacy_fluid as fluid
from pipeline.checkpoint import load_checkpoint, write_checkpoint
from pipeline.config import TrainConfig
from pipeline.feeding import StepFeed
from pipeline.optimizers import OPTIMIZERS
from pipeline.program import build_programs

STEPS = 8


class Training:
    """A softmax regression on a batch of noise, in a scope of its own."""

    def __init__(self, **options: Any) -> None:
        self.config = TrainConfig(model="softmax", epochs=2, **options)
        self.programs = build_programs(self.config, 10)
        self.feed = StepFeed(self.programs, self.config, STEPS)
        self.scope, self.executor = fluid.Scope(), fluid.Executor(fluid.CPUPlace())
        self.executor.run(self.programs.startup, scope=self.scope)
        draw = np.random.default_rng(0)
        img = draw.uniform(-1, 1, (16, 1, 28, 28)).astype(np.float32)
        self.batch = {"img": img, "label": draw.integers(0, 10, (16, 1))}

    def learn(self, first: int, last: int) -> list[float]:
        """Return the costs of the steps from `first` up to `last`."""
        return [
            self.executor.run(
                self.programs.train, {**self.batch, **self.feed(step)}, [self.programs.fetch[0]], scope=self.scope
            )[0].item()
            for step in range(first, last)
        ]

    def state(self) -> dict[str, bytes]:
        """Return what persists, parameters and all, but not what is fetched and fed."""
        kept = [variable.name for variable in self.programs.train.list_vars() if variable.persistable]
        held = {name: self.scope.find_var(name) for name in kept if name not in ("feed", "fetch")}
        return {name: np.array(variable.get_tensor()).tobytes() for name, variable in held.items()}


@pytest.mark.parametrize(
    "options",
    [
        *({"optimizer": name} for name in OPTIMIZERS),
        {"optimizer": "momentum:use_nesterov=1", "clip": "value=0.01", "linear_lr_warmup": "warmup_steps=6"},
        {"optimizer": "rmsprop:centered=1", "momentum": 0.5, "clip": "global_norm=0.5", "l1": 1e-4},
        {"optimizer": "dpsgd:sigma=0.1,batch_size=32", "decay": "step_decay:step_size=1"},
        {"lookahead": "k=3", "clip": "norm=0.5", "decay": "noam_decay:d_model=64,warmup_steps=5"},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_stopped_and_gone_on_with_it_ends_where_it_ends_uninterrupted(options: dict[str, Any], tmp_path: Path) -> None:
    whole, stopped, resumed = (Training(**options) for _ in range(3))
    costs = whole.learn(0, STEPS)
    assert costs[-1] < costs[0]

    stopped.learn(0, 4)
    with fluid.scope_guard(stopped.scope):
        write_checkpoint(tmp_path / "last", stopped.programs.train, {})
    with fluid.scope_guard(resumed.scope):
        load_checkpoint(tmp_path / "last", resumed.programs.train, resumed.executor)
    assert resumed.learn(4, STEPS) == costs[4:]
    assert resumed.state() == whole.state()
