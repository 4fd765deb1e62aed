"""The benchmark's report as text."""

from __future__ import annotations

from typing import Any

import pytest

from export.bench.report import Report, Result, Timing
from export.bench.tables import markdown, text

QUICK = Timing(1, 5000, 0.12345, 1.2345, 12.345, 9876.5, 9000, 10000)
SLOW = Timing(256, 10, 51.23, 123.4, 1234.5, 4567.8, 4000, 5000)


def make_report(*backends: Result, other_cpu_share: float | None = None) -> Report:
    machine = {
        "cpu_model": "a processor",
        "cpu_cores": 2,
        "load_average_1_min": 0.5,
        "other_cpu_share": other_cpu_share,
    }
    protocol = {"threads": 2, "images": "drawn", "tolerance": 1e-5, "call": "is made", "rounds": 5, "batches": [1, 256]}
    return Report("name", "lenet", machine, protocol, list(backends))


def measured(name: str, **more: Any) -> Result:
    return Result(name, "measured", "", 2048, "1.0", ["CPU"], timings=[QUICK, SLOW], **more)


@pytest.mark.parametrize("show", [text, markdown])
def test_percentiles_and_throughput_stand_side_by_side_for_each_batch_size(show: Any) -> None:
    shown = show(make_report(measured("one"), measured("two", compared_to="one", largest_difference=1.25e-7)))
    assert shown.count("0.12 / 1.23 / 12.3") == 2
    assert shown.count("9,876") == 2  # to even
    assert "1.2e-07" in shown


def test_a_99th_percentile_of_few_calls_is_marked_and_explained() -> None:
    shown = text(make_report(measured("one")))
    assert "51.2 / 123 / 1,234*" in shown
    assert "12.3*" not in shown
    assert "(*) of fewer than 100 calls" in shown


def test_a_backend_that_did_not_run_has_no_column_and_its_reason_in_words() -> None:
    shown = text(make_report(measured("one"), Result("CUDA", "unavailable", "no driver", 2048)))
    assert shown.count("CUDA") == 1
    assert "CUDA is not measured: no driver" in shown


def test_a_lone_backend_is_said_to_be_compared_with_none() -> None:
    assert "Nothing else ran" in text(make_report(measured("one")))
    assert "Nothing else ran" not in text(make_report(measured("one"), measured("two", compared_to="one")))


def test_a_busy_machine_is_told_and_a_quiet_one_is_not() -> None:
    assert "Other processes took 40%" in text(make_report(measured("one"), other_cpu_share=0.4))
    for share in (0.05, None):
        assert "Other processes" not in text(make_report(measured("one"), other_cpu_share=share))
