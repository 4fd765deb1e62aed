"""Predicting folders against how people write it: the same folder and model, each program in turns, from start to table.

    python -m benchmarks.folders [--model model.onnx | --run lenet] [--peers PYTHON] [--images 10000 --images 60000]

Exits with 1 where two tables do not say the same: then the figures mean nothing. Results: --out.
"""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import click
from PIL import Image

from benchmarks.figures import Row, Spread, busy_notes, draw_bars, machine, publish, table
from export.bench.environment import environment, watched
from export.model import locate
from fluidline.cli import Choice, main
from fluidline.errors import FluidlineError, UsageError
from pipeline.data import load
from pipeline.data.dataset import Split

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".venv-peers" / "bin" / "python"
OURS = "fluidline"
AGAINST = "OpenCV, 2 threads"
SIZES = {10_000: 1.15, 60_000: 1.3}  # images, and the ratio of images/s to AGAINST that is aimed at

_SCRIPTS = {AGAINST: "opencv_threads.py", "Pillow, one by one": "pillow_loop.py"}
_COLOURS = ("#0072B2", "#D55E00", "#999999")


@dataclass(frozen=True)
class Contender:
    """A program that is given a folder and the place of a table."""

    title: str
    command: Sequence[str]


@dataclass(frozen=True)
class Lap:
    """A run: seconds from the start of the process to its end, and the processor time that it and its children took."""

    seconds: float
    cpu_s: float


@dataclass
class Race:
    """The runs over a folder of so many images: of each program, by its title, one a round."""

    images: int
    laps: dict[str, list[Lap]] = field(default_factory=dict)
    same: bool = True  # whether all tables say the same

    def rate(self, title: str) -> Spread:
        """Images a second."""
        return Spread.of([self.images / lap.seconds for lap in self.laps[title]])

    def ratio(self, title: str) -> Spread:
        """Images a second, ours to those of another, round by round."""
        rounds = zip(self.laps[OURS], self.laps[title], strict=True)
        return Spread.of([theirs.seconds / ours.seconds for ours, theirs in rounds])

    def as_dict(self) -> dict[str, Any]:
        rates = {title: asdict(self.rate(title)) for title in self.laps}
        ratios = {title: asdict(self.ratio(title)) for title in self.laps if title != OURS}
        return {**asdict(self), "images_per_s": rates, "ratios": ratios}


@dataclass(frozen=True)
class Report:
    """The whole benchmark."""

    environment: dict[str, Any]
    protocol: dict[str, Any]
    races: list[Race]

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "races": [race.as_dict() for race in self.races]}


def contenders(model: Path, peers: Path, without: Sequence[str] = ()) -> list[Contender]:
    """Return ours, and the peers that a Python is given for (benchmarks/peers)."""
    ours = [sys.executable, "-m", "export", "predict", "{folder}", "--model", str(model), "--out", "{table}"]
    scripts = {title: ROOT / "benchmarks" / "peers" / name for title, name in _SCRIPTS.items() if title not in without}
    theirs = [Contender(title, [str(peers), str(script), "{folder}", "{table}"]) for title, script in scripts.items()]
    return [Contender(OURS, ours), *theirs]


def bench_folders(
    everyone: Sequence[Contender],
    model: Path,
    *,
    data: str | None = None,
    sizes: Sequence[int] = tuple(SIZES),
    rounds: int = 5,
) -> Report:
    """Race the programs over folders of the training images of `data`, of so many as `sizes` say.

    Raises FluidlineError where a program fails.
    """
    facts, split = environment(), load(data).train
    protocol = {"model": str(model), "rounds": rounds}
    with tempfile.TemporaryDirectory() as place, watched(facts):
        races = [_race(everyone, model, split, size, rounds, Path(place) / str(size)) for size in sizes]
    return Report(facts, protocol, races)


def _race(everyone: Sequence[Contender], model: Path, split: Split, size: int, rounds: int, place: Path) -> Race:
    """Let each program begin a round as often as the others, after one to warm up."""
    folder = place / "images"
    _write_images(folder, split, size)
    race = Race(size, {each.title: [] for each in everyone})
    env = {**os.environ, "MODEL": str(model.resolve()), "OMP_NUM_THREADS": "1"}
    for number in range(1 + rounds):
        begin = number % len(everyone)
        answers = []
        for contender in [*everyone[begin:], *everyone[:begin]]:
            out = place / "out.csv"
            lap = _run(contender, folder, out, env)
            answers.append(_read(out))
            out.unlink()
            if number:
                race.laps[contender.title].append(lap)
        race.same &= len(answers[0]) == size and all(each == answers[0] for each in answers)
    return race


def _write_images(folder: Path, split: Split, size: int) -> None:
    """Write the first images as PNG files, from the beginning again where they are too few."""
    folder.mkdir(parents=True)
    for number in range(size):
        Image.fromarray(split.images[number % len(split)]).save(folder / f"{number:05d}.png")


def _run(contender: Contender, folder: Path, out: Path, env: Mapping[str, str]) -> Lap:
    command = [part.replace("{folder}", str(folder)).replace("{table}", str(out)) for part in contender.command]
    with open(out.with_suffix(".log"), "w+") as log:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=env)
        try:
            _, status, usage = os.wait4(process.pid, 0)  # which tells of the children that it waited for, too
        except BaseException:
            process.kill()
            raise
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            lines = log.read().strip().splitlines() or ["it said nothing"]
            raise FluidlineError(f"{contender.title} ended with exit code {process.returncode}: {lines[-1]}")
    return Lap(seconds, usage.ru_utime + usage.ru_stime)


def _read(out: Path) -> dict[str, str]:
    """Return the label of each file of a table."""
    with open(out, newline="") as rows:
        return {os.path.basename(row["file"]): row["label"] for row in csv.DictReader(rows)}


def markdown(report: Report) -> str:
    """Return the tables: ratios first, then what they are made of, and what to beware of."""
    protocol = report.protocol
    facts = (
        f"{machine(report.environment)}; {protocol['model']}; {protocol['rounds']} rounds in turns after one to warm up;"
        " from the start of the process to its end."
    )
    ratios = "## Ratios: ours to each, images/s\n\n" + table(_ratio_rows(report))
    entries = "## What each reaches\n\n" + table(_entry_rows(report))
    notes = [
        *busy_notes(report.environment),
        *(f"{race.images:,} images: **the tables do not say the same**." for race in report.races if not race.same),
        "A figure is the median over the rounds; a ratio is taken within a round.",
    ]
    return (
        "\n\n".join(["# Predicting folders", facts, ratios, entries, "\n".join(f"- {note}" for note in notes)]) + "\n"
    )


def _ratio_rows(report: Report) -> list[Row]:
    rows: list[Row] = [("images", "against", "ratio, median", "lowest to highest", "target", "reached")]
    for race in report.races:
        for title in race.laps:
            if title != OURS:
                ratio = race.ratio(title)
                target = SIZES.get(race.images) if title == AGAINST else None
                verdict = ("", "") if target is None else (f"{target:g}", "yes" if ratio.median >= target else "no")
                rows.append((f"{race.images:,}", title, f"**{ratio.median:.2f}**", ratio.span(".2f"), *verdict))
    return rows


def _entry_rows(report: Report) -> list[Row]:
    rows: list[Row] = [("images", "", "images/s, median", "lowest to highest", "processor time an image, us")]
    for race in report.races:
        for title, laps in race.laps.items():
            rate = race.rate(title)
            cpu_us = 1e6 * Spread.of([lap.cpu_s for lap in laps]).median / race.images
            rows.append((f"{race.images:,}", title, f"{rate.median:,.0f}", rate.span(",.0f"), f"{cpu_us:.0f}"))
    return rows


def draw(report: Report, path: Path) -> None:
    """Write a PNG: bars of the medians with lines from the lowest to the highest, a panel a folder."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(6, 4 * len(report.races)), 3.4), dpi=110, layout="constrained")
    for axes, race in zip(figure.subplots(1, len(report.races), squeeze=False)[0], report.races, strict=True):
        notes = ["" if title == OURS else f"ours: \u00d7{race.ratio(title).median:.2f}" for title in race.laps]
        rates = [race.rate(title) for title in race.laps]
        draw_bars(axes, f"{race.images:,} files, images/s", list(race.laps), rates, _COLOURS, notes)
    figure.suptitle(f"A folder to a table\n{machine(report.environment)}", fontsize=11)
    figure.savefig(path)


@click.command()
@click.option("--run", help="Name of the run whose model predicts.  [default: latest]")
@click.option("--model", type=click.Path(path_type=Path), help="An ONNX file instead.")
@click.option("--data", help="As for `python -m pipeline train`; the files hold its training images.")
@click.option(
    "--images", "sizes", type=click.IntRange(1), multiple=True, help="May be repeated.  [default: 10000, 60000]"
)
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="Timed, after one to warm up.")
@click.option("--peers", default=PEERS, type=click.Path(path_type=Path), help="A Python that has what the peers use.")
@click.option("--without", type=Choice(list(_SCRIPTS)), multiple=True, help="Leave a peer out; may be repeated.")
@click.option("--out", default=Path("runs/bench-predict"), show_default=True, type=click.Path(path_type=Path))
def command(
    run: str | None, model: Path | None, data: str | None, sizes: tuple[int, ...], rounds: int, peers: Path,
    without: tuple[str, ...], out: Path,
) -> int:  # fmt: skip
    """Measure predicting a folder against OpenCV in threads and Pillow in a loop, in turns on the same files."""
    if not peers.exists():
        raise UsageError(f"no Python with OpenCV at {peers} (`make bench-predict` makes one)")
    file = locate(run, model)
    report = bench_folders(
        contenders(file, peers, without), file, data=data, sizes=sizes or tuple(SIZES), rounds=rounds
    )
    publish(out, "bench-predict", report.as_dict(), markdown(report), partial(draw, report))
    return 0 if all(race.same for race in report.races) else 1


if __name__ == "__main__":
    sys.exit(main(command, interrupted_by=[signal.SIGTERM]))
