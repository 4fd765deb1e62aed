"""What a run was made of and with: data, machine, versions."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import fluidline
from fluidline.errors import FluidlineError
from fluidline.machine import cores, cpu_model
from pipeline.data.summary import splits_of
from pipeline.report import words
from pipeline.report.markup import Html, element, facts
from pipeline.report.subject import Subject, if_there
from pipeline.resume import fingerprint

_MOST_LABELS = 40  # that are named


def data(subject: Subject) -> Html:
    """Which data, their fingerprint, and how they are fed."""
    entry, digest = subject.stages.get("train", {}), subject.checkpoint["data"]
    return facts(
        [
            ("Source", entry.get("data") or subject.config["data"]),
            ("SHA-256", element("code", digest)),
            ("At hand", _at_hand(subject, digest)),
            ("Classes", _named(subject.checkpoint["labels"])),
            *((name.capitalize(), _listed(entry[name])) for name in _FORMS if name in entry),
        ]
    )


_FORMS = ("target", "input", "output", "preprocessing")


def environment(subject: Subject) -> Html:
    """Machine and versions: of the training, and of this report."""
    versions = {**subject.config.get("versions", {}), "ONNX opset": subject.stages.get("onnx", {}).get("opset")}
    return facts(
        [
            ("Trained on", machine(subject.config)),
            ("Threads", if_there(lambda: subject.checkpoint["threads"])),
            *versions.items(),
            ("This report", f"{words.moment(datetime.now(UTC))}, by fluidline {fluidline.__version__} on {_here()}"),
        ]
    )


def machine(config: Mapping[str, Any]) -> str | None:
    """Return the machine that a run was trained on, in words; None where the run does not say."""
    found = config.get("machine")
    return found and f"{found['processor']}, {found['cores']} cores, {found['os']}"


def _here() -> str:
    return f"{cpu_model()}, {cores()} cores, Python {platform.python_version()}"


def _at_hand(subject: Subject, digest: str) -> str:
    try:
        dataset = subject.answers.dataset
    except FluidlineError as error:
        return f"no: {error}"
    same = "the same data" if fingerprint(dataset) == digest else "other data than the run was trained on"
    sizes = ", ".join(f"{len(split):,} {name}" for name, split in splits_of(dataset).items())
    return f"{same}: {dataset.source} ({sizes})"


def _listed(form: object) -> str:
    return ", ".join(f"{name} {value}" for name, value in form.items()) if isinstance(form, dict) else str(form)


def _named(labels: list[str]) -> str | None:
    if not labels:
        return None
    more = f" and {len(labels) - _MOST_LABELS} more" if len(labels) > _MOST_LABELS else ""
    return f"{len(labels)}: {', '.join(labels[:_MOST_LABELS])}{more}"
