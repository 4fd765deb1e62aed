"""`python -m export serve`: models over HTTP, at the speed of the machine, with no framework but onnxruntime.

    supervisor -> workers, one a core: connection -> app -> forms -> batching -> answer

See `export.serving` for who does what.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from export.choices import DEVICES
from export.serving.settings import MIB, ModelSource, Settings
from fluidline.cli import Choice
from fluidline.errors import UsageError
from fluidline.machine import cores
from fluidline.runs import DEFAULT_ROOT

_NAMED = re.compile(r"(?P<name>[\w.-]+)(:(?P<version>[\w.-]+))?=(?P<path>.+)")


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises FluidlineError where the port, a model or the device cannot be had."""
    if settings.max_images > settings.max_queue:
        raise UsageError(f"--max-images {settings.max_images} is more than may wait: --max-queue {settings.max_queue}")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read as numpy is imported: each worker has a core of its own
    from export.model import has_cuda_driver
    from export.serving import logs, supervisor

    logs.configure()
    on_gpu = settings.device != "cpu" and has_cuda_driver()
    supervisor.supervise(replace(settings, workers=settings.workers or (1 if on_gpu else cores())))


def read_source(text: str) -> ModelSource:
    """Return what `--model` means: a file or a run folder, or NAME=PATH, or NAME:VERSION=PATH."""
    named = _NAMED.fullmatch(text)
    if named and not Path(text).exists():
        return ModelSource(path=Path(named["path"]), name=named["name"], version=named["version"])
    return ModelSource(path=Path(text))


@click.command(name="serve")
@click.option("--run", "runs", multiple=True, help="Run whose model to serve; may be repeated.  [default: latest]")
@click.option("--runs-dir", type=click.Path(path_type=Path), default=DEFAULT_ROOT, show_default=True, help="Its place.")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="[NAME[:VERSION]=]PATH",
    help="An ONNX file or a run's folder to serve, by a name of its own if given; may be repeated.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 is all of them.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port; 0 is any free one.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes.  [default: one a core; on a GPU one]")
@click.option("--device", type=Choice(DEVICES), default="auto", show_default=True, help="Where the models run.")
@click.option("--allow-cpu-fallback", is_flag=True, help="With --device gpu: use the CPU where there is no GPU.")
@click.option(
    "--max-batch", type=click.IntRange(1, 8192), default=64, show_default=True, help="Images a model gets at a time."
)
@click.option(
    "--max-wait-ms",
    type=click.FloatRange(0, 10_000),
    default=0.0,
    show_default=True,
    help="How long images wait for company; what is there at the same time is one batch even without.",
)
@click.option(
    "--max-queue", type=click.IntRange(1), default=4096, show_default=True, help="Images that may wait; then 503."
)
@click.option("--max-images", type=click.IntRange(1), default=1024, show_default=True, help="Images in a request.")
@click.option("--max-pixels", type=click.IntRange(1), default=30_000_000, show_default=True, help="Pixels of an image.")
@click.option("--max-body", type=click.IntRange(1), default=10, show_default=True, help="MiB of a request's body.")
@click.option(
    "--max-connections", type=click.IntRange(1), default=4096, show_default=True, help="Open connections of a worker."
)
@click.option(
    "--timeout", type=click.FloatRange(0.1), default=30.0, show_default=True, help="Seconds a request may take."
)
@click.option(
    "--grace", type=click.FloatRange(0), default=10.0, show_default=True, help="Seconds to finish in on SIGTERM."
)
@click.option("--api-key", envvar="FLUIDLINE_API_KEY", show_envvar=True, help="Key that requests must bring.")
@click.option("--access-log", is_flag=True, help="Log every request.")
def command(
    runs: tuple[str, ...],
    models: tuple[str, ...],
    max_wait_ms: float,
    max_body: int,
    api_key: str | None,
    **options: Any,
) -> None:
    """Serve models over HTTP: the page at /, the API at /docs."""
    sources = (*(ModelSource(run=run) for run in runs), *map(read_source, models)) or (ModelSource(),)
    serve(
        Settings(
            models=sources,
            max_wait=max_wait_ms / 1000,
            max_body=max_body * MIB,
            api_key=api_key or None,
            **options,
        )
    )
