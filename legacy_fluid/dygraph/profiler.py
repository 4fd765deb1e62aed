"""`fluid.dygraph.profiler`: gperftools around eager code, in a core that was built with it."""

from paddle.base.core import start_imperative_gperf_profiler as _start
from paddle.base.core import stop_imperative_gperf_profiler as _stop

__all__ = ["start_gperf_profiler", "stop_gperf_profiler"]


def start_gperf_profiler() -> None:
    """Begin to profile."""
    _start()


def stop_gperf_profiler() -> None:
    """End it."""
    _stop()
