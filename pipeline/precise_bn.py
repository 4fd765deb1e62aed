"""batch_norm's statistics for the test, taken anew from training samples as they are.

Those that the steps keep are running averages: over images that augmentation has changed, and under parameters that
have moved on since. For images as they are they can be off by a half.

Source: Wu, Johnson, "Rethinking 'Batch' in BatchNorm", 2021, whose name for this is PreciseBN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Statistics:
    """A program whose run leaves mean and variance of what it is fed in these variables, a pair [C] of each layer."""

    program: Any
    names: list[tuple[str, str]]


def statistics_of(test: Any) -> Statistics | None:
    """Return what measures the batch_norms of a test program; None where it has none that is measured."""
    program = test.clone()
    norms = [op for block in program.blocks for op in block.ops if op.type == "batch_norm"]
    norms = [op for op in norms if not op.attr("use_global_stats")]
    for op in norms:
        op._set_attr("is_test", False)
        op._set_attr("momentum", 0.0)  # of what stood there before nothing is left
    names = [(op.output("MeanOut")[0], op.output("VarianceOut")[0]) for op in norms]
    return Statistics(program, names) if names else None


def measure(statistics: Statistics, executor: Any, feeds: Iterable[Mapping[str, Any]], scope: Any, place: Any) -> None:
    """Give the scope statistics of its own, those of all batches fed; the scopes around it keep theirs."""
    names = [name for pair in statistics.names for name in pair]
    for name in names:
        value = np.array(scope.find_var(name).get_tensor())
        scope.var(name).get_tensor().set(value, place)
    sizes, values = [], []
    for feed in feeds:
        sizes.append(len(next(iter(feed.values()))))
        values.append(executor.run(statistics.program, feed=feed, fetch_list=names, scope=scope))
    for number, (mean, variance) in enumerate(statistics.names):
        means, variances = (np.array([found[2 * number + which] for found in values], np.float64) for which in (0, 1))
        average = np.average(means, 0, sizes)
        spread = np.average(variances + means**2, 0, sizes) - average**2
        for name, value in ((mean, average), (variance, spread)):
            scope.var(name).get_tensor().set(value.astype(np.float32), place)
