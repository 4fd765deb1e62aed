"""Where the boxes of a graph go: in ranks from above to below, so that few lines cross and most run straight.

Source: Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures", 1981.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Size = tuple[float, float]
Point = tuple[float, float]

_SWEEPS = 8
_STRAIGHT = 8.0  # how much more a line of many ranks wants to stay straight than a box wants to be above the next


@dataclass(frozen=True)
class Layout:
    """The centre of each box, the points that each line goes by from centre to centre, and the size of all."""

    boxes: list[Point]
    lines: list[list[Point]]
    size: Size


def lay_out(sizes: Sequence[Size], edges: Sequence[tuple[int, int]], gap: Size) -> Layout:
    """Return the layout of boxes of these (width, height), `gap` apart at least; an edge goes from a lower number to a higher."""
    count, ranks = len(sizes), _ranks(len(sizes), edges)
    sizes, chains = list(sizes), [[source] for source, _ in edges]
    for chain, (source, target) in zip(chains, edges, strict=True):
        for rank in range(ranks[source] + 1, ranks[target]):  # a line gets a place of its own in each rank it passes
            chain.append(len(sizes))
            sizes.append((0.0, 0.0))
            ranks.append(rank)
        chain.append(target)
    neighbours: dict[int, list[int]] = defaultdict(list)
    for chain in chains:
        for upper, lower in pairwise(chain):
            neighbours[upper].append(lower)
            neighbours[lower].append(upper)
    rows = _ordered(ranks, neighbours)
    across = _across(rows, sizes, neighbours, gap[0], count)
    down = _down(rows, sizes, gap[1])
    points = [(across[node], down[ranks[node]]) for node in range(len(sizes))]
    width = max(x + size[0] / 2 for (x, _), size in zip(points, sizes, strict=True))
    height = down[-1] + max(sizes[node][1] for node in rows[-1]) / 2
    return Layout(points, [[points[node] for node in chain] for chain in chains], (width, height))


def _ranks(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return the rank of each node: as near to where its result is used as can be, above all that depends on it."""
    heights = [0] * count
    for source, target in sorted(edges, reverse=True):
        heights[source] = max(heights[source], heights[target] + 1)
    return [max(heights) - height for height in heights]


def _ordered(ranks: Sequence[int], neighbours: Mapping[int, Sequence[int]]) -> list[list[int]]:
    """Return the nodes of each rank from left to right, each about where those it is joined to are."""
    rows: list[list[int]] = [[] for _ in range(max(ranks) + 1)]
    for node, rank in enumerate(ranks):
        rows[rank].append(node)
    place = {node: float(index) for row in rows for index, node in enumerate(row)}
    for sweep in range(_SWEEPS):
        step = 1 if sweep % 2 else -1  # from above by what is above, then from below
        for row in rows[::step]:
            side = {
                node: [place[other] for other in neighbours[node] if (ranks[other] - ranks[node]) * step < 0]
                for node in row
            }
            row.sort(key=lambda node: sum(side[node]) / len(side[node]) if side[node] else place[node])
            place.update((node, float(index)) for index, node in enumerate(row))
    return rows


def _across(
    rows: Sequence[Sequence[int]],
    sizes: Sequence[Size],
    neighbours: Mapping[int, Sequence[int]],
    gap: float,
    count: int,
) -> list[float]:
    """Return x of each node, the first `count` of them boxes: near those it is joined to, in the order of its row."""
    ranks = {node: rank for rank, row in enumerate(rows) for node in row}
    x = [0.0] * len(sizes)
    for sweep in range(2 * _SWEEPS + 1):
        step = 1 if sweep % 2 == 0 else -1
        for row in rows[::step]:
            sides = [
                [x[other] for other in neighbours[node] if (ranks[other] - ranks[node]) * step < 0] for node in row
            ]
            wanted = [sum(side) / len(side) if side else x[node] for node, side in zip(row, sides, strict=True)]
            apart = [(sizes[left][0] + sizes[right][0]) / 2 + gap for left, right in pairwise(row)]
            weights = [_STRAIGHT if node >= count else 1.0 for node in row]
            for node, position in zip(row, _spread(wanted, apart, weights), strict=True):
                x[node] = position
    left = min(position - size[0] / 2 for position, size in zip(x, sizes, strict=True))
    return [position - left for position in x]


def _spread(wanted: Sequence[float], apart: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return positions as near to the wanted ones as their order and distances allow, by least squares.

    Taking the distances off leaves an isotonic regression, which pooling neighbours that are out of order solves.
    """
    offsets = [0.0]
    for distance in apart:
        offsets.append(offsets[-1] + distance)
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for goal, offset, weight in zip(wanted, offsets, weights, strict=True):
        pool = (goal - offset, weight, 1)
        while pools and pools[-1][0] >= pool[0]:
            mean, other, count = pools.pop()
            pool = ((mean * other + pool[0] * pool[1]) / (other + pool[1]), other + pool[1], count + pool[2])
        pools.append(pool)
    means = [mean for mean, _, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]


def _down(rows: Sequence[Sequence[int]], sizes: Sequence[Size], gap: float) -> list[float]:
    """Return y of the middle of each row."""
    middles, top = [], 0.0
    for row in rows:
        height = max((sizes[node][1] for node in row), default=0.0)
        middles.append(top + height / 2)
        top += height + gap
    return middles
