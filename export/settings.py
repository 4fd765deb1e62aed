"""How onnxruntime runs a model best on this machine: settings.json beside the model, which `make onnx-bench` writes.

It names a file for each purpose: `latency`, one image at a time; `throughput`, as predict wants it; and `serving`, the same
with a process a core. Once of those whose answers are the plain model's, and once of all, `approximate`. They count on
the machine that they were measured on, with the model that they were measured with; elsewhere the defaults do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fluidline.files import sha256, write_json
from fluidline.machine import cores, cpu_model

SCHEMA_VERSION = 1
FILE = "settings.json"


@dataclass(frozen=True)
class Setting:
    """A file, relative to the model's folder, and how to run it.

    `optimisation` is onnxruntime's level: basic, extended or all; `threads` are those of one call, `calls` how many run
    at a time, `batch` the images of each.
    """

    file: str
    optimisation: str = "all"
    threads: int = 1
    calls: int = 1
    batch: int = 1


def write_settings(model: Path, exact: Mapping[str, Setting], approximate: Mapping[str, Setting]) -> Path:
    """Write the settings chosen for each purpose beside the model, and return their place."""
    path = model.with_name(FILE)
    chosen = {purpose: asdict(setting) for purpose, setting in exact.items()}
    others = {purpose: asdict(setting) for purpose, setting in approximate.items()}
    write_json(path, {"schema_version": SCHEMA_VERSION, **_conditions(model), **chosen, "approximate": others})
    return path


def read_settings(model: Path, purpose: str, approximate: bool = False) -> Setting | None:
    """Return the setting for a purpose; None where there is none, or it was made elsewhere or for another model."""
    try:
        found: dict[str, Any] = json.loads(model.with_name(FILE).read_text(encoding="utf-8"))
        setting = Setting(**(found["approximate"] if approximate else found)[purpose])
        fits = found["schema_version"] == SCHEMA_VERSION and {**found, **_conditions(model)} == found
        return setting if fits and (model.parent / setting.file).is_file() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _conditions(model: Path) -> dict[str, Any]:
    return {"cpu_model": cpu_model(), "cpu_cores": cores(), "model": model.name, "model_sha256": sha256(model)}
