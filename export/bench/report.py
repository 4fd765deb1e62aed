"""What a benchmark found: of each backend whether it ran, whether it agrees, and its figures, named with units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from export.bench.tuning import Trial
    from export.bench.variants import Variant
    from export.settings import Setting

SCHEMA_VERSION = 2

MEASURED = "measured"
UNAVAILABLE = "unavailable"  # cannot run on this machine: no failure
DISAGREES = "disagrees"  # its answers are not the others'
FAILED = "failed"  # it crashed, or hung
FAILURES = (DISAGREES, FAILED)


@dataclass(frozen=True)
class Timing:
    """Calls with one batch size; throughput is the median of the rounds, with the slowest and the fastest of them."""

    batch: int
    calls: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    throughput_images_per_s: float
    throughput_slowest_images_per_s: float
    throughput_fastest_images_per_s: float


@dataclass(frozen=True)
class Result:
    """A row: what is known of one backend. Figures that were not measured are None.

    `largest_difference` is the largest absolute difference of its answers to those of the backend `compared_to`, over
    all batch sizes. Start, import, load and first answer are medians over `starts` cold processes; load alone is the
    model's, first answer is of one image, and the start is all of them with the interpreter's.
    """

    name: str
    status: str
    reason: str
    model_bytes: int
    version: str | None = None
    providers: list[str] = field(default_factory=list)
    compared_to: str | None = None
    largest_difference: float | None = None
    starts: int = 0
    cold_start_ms: float | None = None
    import_ms: float | None = None
    load_ms: float | None = None
    first_answer_ms: float | None = None
    memory_loaded_mib: float | None = None
    memory_peak_mib: float | None = None
    timings: list[Timing] = field(default_factory=list)


@dataclass(frozen=True)
class Tuning:
    """Forms of the model, settings of onnxruntime tried with each on the processor, and those kept for each purpose."""

    variants: list[Variant]
    trials: list[Trial]
    chosen: Mapping[str, Setting]


@dataclass(frozen=True)
class Report:
    """A benchmark of the model of a run, or of a file where `run` is None; its conditions and its rows."""

    run: str | None
    model: str
    environment: dict[str, Any]
    protocol: dict[str, Any]
    backends: list[Result]
    tuning: Tuning | None = None

    @property
    def title(self) -> str:
        """What was measured."""
        return f"{self.model} (run {self.run})" if self.run else self.model

    @property
    def failures(self) -> list[Result]:
        """The backends that disagree, crashed or hung."""
        return [result for result in self.backends if result.status in FAILURES]

    @property
    def measured(self) -> list[Result]:
        return [result for result in self.backends if result.status == MEASURED]

    def as_json(self) -> dict[str, Any]:
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}
