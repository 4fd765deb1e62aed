"""Trains the house prices in fluid and in plain NumPy, on the same batches from the same start, and compares them.

python -m examples.housing.compare --data housing.data
"""

from __future__ import annotations

import sys
import tempfile
import zlib  # noqa: F401  before paddle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from examples.housing.by_hand import LinearRegression
from examples.housing.draw import COLUMNS, write_houses
from fluidline.cli import main
from fluidline.runs import find_run
from pipeline.checkpoint import LAST, MODEL
from pipeline.config import TrainConfig
from pipeline.data.table import TableInput
from pipeline.train import load_data, train

GRAPH = f"{Path(__file__).with_name('graph.py')}:price"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Comparison:
    """What both came to: the parameters [features + 1], the bias last, and the costs of the rows to test with."""

    form: TableInput
    fluid: Floats
    by_hand: Floats
    costs: tuple[float, float]

    @property
    def difference(self) -> float:
        """The largest difference of a parameter."""
        return float(np.abs(self.fluid - self.by_hand).max())

    def as_text(self, laws: Mapping[str, float]) -> str:
        """Return a row for each feature: both weights, what a unit of the feature is worth, and in truth by `laws`."""
        lines = [f"{'feature':>9}{'fluid':>12}{'NumPy':>12}{'difference':>12}{'a unit':>10}" + "   by law" * bool(laws)]
        for name, scale, one, other in zip(self.form.features, self.form.scale, self.fluid, self.by_hand, strict=False):
            law = f"{laws[name]:9.3f}" if laws else ""
            lines.append(f"{name:>9}{one:12.6f}{other:12.6f}{one - other:12.1e}{one * scale:10.3f}{law}")
        one, other = self.fluid[-1], self.by_hand[-1]
        lines += [f"{'bias':>9}{one:12.6f}{other:12.6f}{one - other:12.1e}", ""]
        lines.append("mean squared error of the test rows: {:.6f} in fluid, {:.6f} in NumPy".format(*self.costs))
        return "\n".join([*lines, f"largest difference of a parameter: {self.difference:.1e}"])


def compare(config: TrainConfig) -> Comparison:
    """Train as `config` says, as the tool trains, and then the same by hand."""
    train(config, [], overwrite=True)

    import legacy_fluid as fluid
    from pipeline.feeding import batches, in_order
    from pipeline.program import build_programs

    dataset = load_data(config)
    assert isinstance(dataset.input, TableInput)
    programs = build_programs(config, 0, dataset.input)
    names = [parameter.name for parameter in programs.train.all_parameters()]
    scope = fluid.Scope()
    fluid.Executor(fluid.CPUPlace()).run(programs.startup, scope=scope)
    by_hand = LinearRegression(*(np.array(scope.find_var(name).get_tensor()) for name in names))
    for epoch in range(config.epochs):
        with batches(dataset.train, config, epoch, 0) as feeds:
            for feed in feeds:
                by_hand.step(feed["x"], feed["label"], config.learning_rate)

    checkpoint = find_run(config.run, Path(config.runs_dir)).checkpoints / LAST / MODEL
    learnt = fluid.load_program_state(str(checkpoint))
    in_fluid = LinearRegression(*(learnt[name] for name in names))
    (test,) = in_order(dataset.test, len(dataset.test))
    one, other = (model.cost(test["x"], test["label"]) for model in (in_fluid, by_hand))
    return Comparison(
        dataset.input,
        np.append(in_fluid.weight, in_fluid.bias),
        np.append(by_hand.weight, by_hand.bias),
        (one, other),
    )


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path), help="A table of houses, your own housing.data; else drawn ones."
)
@click.option("--epochs", default=100, show_default=True, type=click.IntRange(min=1), help="Passes over the rows.")
@click.option("--learning-rate", default=0.05, show_default=True, help="Of plain gradient descent.")
def command(data: Path | None, epochs: int, learning_rate: float) -> None:
    """Train the house prices in fluid and in plain NumPy side by side, and print how far they are apart."""
    laws = {name: column.law for name, column in COLUMNS.items()} if data is None else {}
    with tempfile.TemporaryDirectory() as folder:
        if data is None:
            data = Path(folder, "housing.data")
            write_houses(data)
        config = TrainConfig(
            model=GRAPH, data=str(data), loss="mse", optimizer="sgd", decay="constant", batch_size=10,
            epochs=epochs, learning_rate=learning_rate, runs_dir=folder,
        )  # fmt: skip
        comparison = compare(config)
    click.echo(comparison.as_text(laws))


if __name__ == "__main__":
    sys.exit(main(command))
