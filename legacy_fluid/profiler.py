"""`fluid.profiler`: how long each operator takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import core
from .coverage import refused

__all__ = ["cuda_profiler", "profiler", "reset_profiler", "start_profiler", "stop_profiler"]

_STATES = {"CPU": "kCPU", "GPU": "kCUDA", "All": "kAll"}
_OPTIONS = {"Default": "kDefault", "OpDetail": "kOpDetail", "AllOpDetail": "kAllOpDetail"}
_KEYS = {name: f"k{name.capitalize()}" for name in ("default", "calls", "total", "max", "min", "ave")}


def _chosen(table: dict[str, str], value: str, what: str) -> str:
    if value not in table:
        raise ValueError(f"{what} is one of {', '.join(table)}, not {value!r}")
    return table[value]


def reset_profiler() -> None:
    """Forget what was measured so far."""
    core.reset_profiler()


def start_profiler(state: str, tracer_option: str = "Default") -> None:
    """Begin to measure.

    Args:
        state: "CPU", "GPU" or "All".
        tracer_option: "Default", "OpDetail" or "AllOpDetail".
    """
    if core.is_profiler_enabled():
        return
    state, option = _chosen(_STATES, state, "state"), _chosen(_OPTIONS, tracer_option, "tracer_option")
    core.set_tracer_option(getattr(core.TracerOption, option))
    core.enable_profiler(getattr(core.ProfilerState, state))


def stop_profiler(sorted_key: str | None = None, profile_path: str = "/tmp/profile") -> None:
    """End measuring, print the table and write the timeline.

    Args:
        sorted_key: None, "default", "calls", "total", "max", "min" or "ave".
    """
    if core.is_profiler_enabled():
        key = _chosen(_KEYS, sorted_key or "default", "sorted_key")
        core.disable_profiler(getattr(core.EventSortingKey, key), profile_path)


@contextmanager
def profiler(
    state: str, sorted_key: str | None = None, profile_path: str = "/tmp/profile", tracer_option: str = "Default"
) -> Iterator[None]:
    """Measure within a `with`; see start_profiler and stop_profiler."""
    start_profiler(state, tracer_option)
    yield
    stop_profiler(sorted_key, profile_path)


@refused("fluid.profiler.cuda_profiler")
def cuda_profiler(output_file: str, output_mode: str | None = None, config: Any = None) -> Iterator[None]:
    """Measure within a `with` by nvprof."""
