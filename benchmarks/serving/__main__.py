"""Serving against FastAPI and Mosec, all loaded in turns; or our own memory over many requests.

    python -m benchmarks.serving [--model model.onnx | --run lenet] [--peers PYTHON] [--requests 1000000 [--rounds 0]]

Exits with 1 where an answer was an error, for then the figures mean nothing. Results: --out.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from benchmarks.figures import publish
from benchmarks.serving.contenders import ROOT, Contender, contenders
from benchmarks.serving.forms import FORMS
from benchmarks.serving.race import Field
from benchmarks.serving.results import Report
from benchmarks.serving.tables import TARGETS, draw, markdown
from export.bench.environment import environment, watched
from export.model import locate
from fluidline.cli import Choice, main
from fluidline.errors import UsageError
from pipeline.data import load

PEERS = ROOT / ".venv-peers" / "bin" / "python"
IMAGES = 64  # different ones, so that nothing is gained by remembering an answer


def bench_serving(
    everyone: Sequence[Contender],
    model: Path,
    *,
    data: str | None = None,
    forms: Sequence[str] = tuple(FORMS),
    clients: Sequence[int] = tuple(TARGETS),
    rounds: int = 5,
    seconds: float = 1.0,
    requests: int = 0,
) -> Report:
    """Race the servers of `everyone`, then ask the first of them `requests` times with an eye on its memory.

    Raises FluidlineError where one does not start, or answers wrongly.
    """
    facts, protocol = environment(), {"model": str(model), "rounds": rounds, "seconds": seconds}
    images = load(data).test.images[:IMAGES]
    with tempfile.TemporaryDirectory() as folder, watched(facts), Field(everyone, model, images, Path(folder)) as field:
        courses = field.race(forms, clients, rounds, seconds) if rounds else []
        memory = field.endure(requests, seconds) if requests else []
        return Report(facts, protocol, field.started, courses, memory)


@click.command()
@click.option("--run", help="Name of the run whose model is served.  [default: latest]")
@click.option("--model", type=click.Path(path_type=Path), help="An ONNX file instead.")
@click.option("--data", help="As for `python -m pipeline train`; its test images are asked about.")
@click.option("--form", "forms", type=Choice(list(FORMS)), multiple=True, help="May be repeated.  [default: all]")
@click.option("--clients", type=click.IntRange(1), multiple=True, help="May be repeated.  [default: 1, 16, 64]")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(0), help="Timed; 0 is no race at all.")
@click.option("--seconds", default=1.0, show_default=True, type=click.FloatRange(0.1), help="Of a slice.")
@click.option("--requests", default=0, help="Then watch our memory over so many requests.")
@click.option("--peers", default=PEERS, type=click.Path(path_type=Path), help="A Python that has FastAPI and Mosec.")
@click.option("--without-peers", is_flag=True, help="Measure ours alone.")
@click.option("--out", default=Path("runs/bench-serve"), show_default=True, type=click.Path(path_type=Path))
def command(
    run: str | None, model: Path | None, data: str | None, forms: tuple[str, ...], clients: tuple[int, ...], rounds: int,
    seconds: float, requests: int, peers: Path, without_peers: bool, out: Path,
) -> int:  # fmt: skip
    """Measure serving against FastAPI and Mosec: requests/s, tails, processor time, start and memory."""
    if not without_peers and not peers.exists():
        raise UsageError(
            f"no Python with the peers at {peers} (`make bench-serve` makes one; --without-peers goes without)"
        )
    file = locate(run, model)
    report = bench_serving(
        contenders(file, None if without_peers else peers), file, data=data, forms=forms or tuple(FORMS),
        clients=clients or tuple(TARGETS), rounds=rounds, seconds=seconds, requests=requests,
    )  # fmt: skip
    picture = partial(draw, report) if report.courses else None
    publish(out, "bench-serve", report.as_dict(), markdown(report), picture)
    return 1 if report.errors else 0


if __name__ == "__main__":
    sys.exit(main(command, interrupted_by=[signal.SIGTERM]))
