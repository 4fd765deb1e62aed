"""Reading beside training: batches made when they are wanted, ahead by a thread, or ahead by fluid's DataLoader.

    OMP_NUM_THREADS=1 python -m benchmarks.reading --data ../shared/mnist

Every way trains the same model on the same images, in turns; what is compared is images/s, and how much of the time a
step waited for its batch.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import click
import numpy as np
from PIL import Image

import legacy_fluid as fluid
from fluidline.cli import Choice, main
from fluidline.files import atomic_file, write_json
from fluidline.machine import cores, cpu_model
from pipeline import readers
from pipeline.config import TrainConfig
from pipeline.data import load
from pipeline.data.dataset import Split
from pipeline.data.images import read_image
from pipeline.device import threads
from pipeline.feeding import Feed, StepFeed, batches
from pipeline.models import MODELS
from pipeline.program import LABEL, build_programs

AHEAD = (1, 4, 16)  # batches
AUGMENT = "rotate=14,zoom=0.1,shift=2,elastic=1,brightness=0.3"

Source = Callable[[], Iterator[Feed]]
Way = Callable[[Source], Iterator[Feed]]


@dataclass(frozen=True)
class Result:
    """What a way of reading a source comes to: images/s, and the share of the time in which a step waited (median)."""

    source: str
    way: str
    median: float
    lowest: float
    highest: float
    waiting: float


class Bench:
    """A program in training, where its batches may come from, and how they may come from there."""

    def __init__(self, config: TrainConfig, images: int, folder: Path) -> None:
        dataset = load(config.data)
        self.split = dataset.train.rows(np.arange(min(images, len(dataset.train))))
        self.programs = build_programs(config, len(dataset.labels), dataset.input)
        self.step_feed = StepFeed(self.programs, config, steps=1_000_000)
        self.executor = fluid.Executor(fluid.CPUPlace())
        self.executor.run(self.programs.startup)
        augmented = replace(config, augment=AUGMENT, prefetch=0)
        self.sources: dict[str, Source] = {
            "arrays": partial(_batches, self.split, config),
            "arrays, augmented": partial(_batches, self.split, augmented),
            "samples": partial(_one_by_one, self.split, config),
            "PNG files": partial(_from_files, _write_files(self.split, folder), self.split, config),
        }
        self.ways: dict[str, Way] = {
            "when wanted": lambda source: source(),
            **{f"--prefetch {count}": partial(_ahead, count) for count in AHEAD},
            **{f"DataLoader, capacity {count}": partial(self._loaded, count) for count in AHEAD},
        }

    def run(self, feeds: Iterator[Feed]) -> tuple[float, float]:
        """Train on all of them; return images/s, and the share of the time in which a step waited."""
        waited, program, fetch = 0.0, self.programs.train, self.programs.fetch
        begin = asked = time.perf_counter()
        for step, feed in enumerate(feeds):
            waited += time.perf_counter() - asked
            self.executor.run(program, feed={**feed, **self.step_feed(step)}, fetch_list=fetch)
            asked = time.perf_counter()
        seconds = time.perf_counter() - begin
        return len(self.split) / seconds, waited / seconds

    def _loaded(self, capacity: int, source: Source) -> Iterator[Feed]:
        block = self.programs.train.global_block()
        variables = [block.var(name) for name in (self.split.input.name, LABEL)]
        loader = fluid.io.DataLoader.from_generator(feed_list=variables, capacity=capacity)
        loader.set_batch_generator(lambda: (tuple(feed.values()) for feed in source()), places=fluid.CPUPlace())
        return (feeds[0] for feeds in loader())  # a feed for each place


def measure(bench: Bench, rounds: int) -> list[Result]:
    """Return what each source and way comes to, over so many rounds after one to warm up."""
    laps: dict[tuple[str, str], list[tuple[float, float]]] = {
        (source, way): [] for source in bench.sources for way in bench.ways
    }
    for number in range(rounds + 1):
        for (source, way), seen in laps.items():
            lap = bench.run(bench.ways[way](bench.sources[source]))
            if number:
                seen.append(lap)
        click.echo(f"round {number} of {rounds}", err=True)
    return [_result(source, way, seen) for (source, way), seen in laps.items()]


def markdown(results: Sequence[Result]) -> str:
    """Return the table that people read: a column for each source, in it images/s and the share of waiting."""
    sources = list(dict.fromkeys(result.source for result in results))
    lines = [f"| images/s (waiting) | {' | '.join(sources)} |", "|---" * (len(sources) + 1) + "|"]
    for way in dict.fromkeys(result.way for result in results):
        cells = [f"{result.median:,.0f} ({result.waiting:.0%})" for result in results if result.way == way]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(results: Sequence[Result], title: str, path: Path) -> None:
    """Write a PNG: bars of images/s with lines from the lowest to the highest, a panel for each source."""
    from matplotlib.figure import Figure

    sources = list(dict.fromkeys(result.source for result in results))
    figure = Figure(figsize=(10, 2.8), dpi=110, layout="constrained")
    for panel, source in zip(figure.subplots(1, len(sources), sharex=True, sharey=True), sources, strict=True):
        rows = [result for result in results if result.source == source][::-1]
        colours = ["#999999", *["#0072B2"] * len(AHEAD), *["#D55E00"] * len(AHEAD)][::-1]
        medians = [row.median for row in rows]
        spreads = [[row.median - row.lowest for row in rows], [row.highest - row.median for row in rows]]
        bars = panel.barh([row.way for row in rows], medians, xerr=spreads, color=colours, ecolor="#444444")
        panel.bar_label(bars, [f"{median:,.0f}" for median in medians], padding=4, fontsize=8)
        panel.set_title(f"{source}, images/s", fontsize=9, loc="left")
        panel.margins(x=0.3)
        panel.tick_params(labelsize=8)
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        panel.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, fontsize=9)
    with atomic_file(path) as part:
        figure.savefig(part)


def _ahead(count: int, source: Source) -> Iterator[Feed]:
    return readers.buffered(source, count)()


def _batches(split: Split, config: TrainConfig) -> Iterator[Feed]:
    """Read as training does: whole batches cut from arrays."""
    with batches(split, config, 0, 0) as feeds:
        yield from feeds


def _one_by_one(split: Split, config: TrainConfig) -> Iterator[Feed]:
    """Read as the book does: samples through decorated readers, stacked to a batch."""
    for samples in readers.batch(readers.shuffle(split.reader(), 500, seed=config.seed), config.batch_size)():
        images, labels = zip(*samples, strict=True)
        yield {split.input.name: np.stack(images).reshape(-1, *split.input.shape), LABEL: np.array(labels)[:, None]}


def _from_files(files: Sequence[Path], split: Split, config: TrainConfig) -> Iterator[Feed]:
    """Read as from data too large for the memory: each image from its file when its batch comes."""
    for begin in range(0, len(files), config.batch_size):
        rows = slice(begin, begin + config.batch_size)
        images = split.input.normalise(np.stack([read_image(file) for file in files[rows]]))
        yield {split.input.name: images, LABEL: split.labels[rows, None]}


def _write_files(split: Split, folder: Path) -> list[Path]:
    files = [folder / f"{number}.png" for number in range(len(split))]
    for file, image in zip(files, split.images, strict=True):
        Image.fromarray(image).save(file)
    return files


def _result(source: str, way: str, laps: Sequence[tuple[float, float]]) -> Result:
    rates = [rate for rate, _ in laps]
    waiting = statistics.median(waiting for _, waiting in laps)
    return Result(source, way, statistics.median(rates), min(rates), max(rates), waiting)


@click.command()
@click.option("--data", help="As for `python -m pipeline train`.")
@click.option("--model", type=Choice(list(MODELS)), default="lenet", show_default=True)
@click.option("--batch-size", default=64, show_default=True, type=click.IntRange(min=1))
@click.option("--images", default=3840, show_default=True, type=click.IntRange(min=1), help="Of a round.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1))
@click.option("--out", type=click.Path(path_type=Path), help="Write the figures to this JSON file.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw them to this PNG file.")
def command(
    data: str | None, model: str, batch_size: int, images: int, rounds: int, out: Path | None, plot: Path | None
) -> None:
    """Measure what reading ahead brings, for batches that are quick and slow to make."""
    config = TrainConfig(model=model, data=data, batch_size=batch_size)
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Bench(config, images, Path(folder)), rounds)
    title = f"{model}, batch {batch_size}; {threads()} of {cores()} cores compute; {cpu_model()}"
    if out:
        write_json(out, {"title": title, "augment": AUGMENT, "results": [asdict(result) for result in results]})
    if plot:
        draw(results, title, plot)
    click.echo(f"{title}\n\n{markdown(results)}")


if __name__ == "__main__":
    sys.exit(main(command))
