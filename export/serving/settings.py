"""What a server is told: which models it serves, where, and past which limits it refuses. Light: `--help` imports it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fluidline.runs import DEFAULT_ROOT

MIB = 1 << 20


@dataclass(frozen=True)
class ModelSource:
    """Where a model comes from: a run by name, or a file or run folder; its name and version are its own unless given."""

    run: str | None = None
    path: Path | None = None
    name: str | None = None
    version: str | None = None

    def __str__(self) -> str:
        return str(self.path) if self.run is None else f"run {self.run}"


@dataclass(frozen=True)
class Settings:
    """How to serve. Sizes are in bytes, times in seconds; limits hold for each worker process."""

    models: tuple[ModelSource, ...] = (ModelSource(),)
    runs_dir: Path = DEFAULT_ROOT
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 0  # as many as there are cores, or on a GPU one
    device: str = "auto"
    allow_cpu_fallback: bool = False
    max_batch: int = 64
    max_wait: float = 0.0
    max_queue: int = 4096
    max_images: int = 1024
    max_pixels: int = 30_000_000
    max_body: int = 10 * MIB
    max_connections: int = 4096
    timeout: float = 30.0
    grace: float = 10.0
    api_key: str | None = None
    access_log: bool = False
