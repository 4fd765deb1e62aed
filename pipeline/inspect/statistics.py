"""What the numbers in a model look like: of its parameters, and of what its layers make of images."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from pipeline.inspect.from_program import BATCH
from pipeline.inspect.network import Network, Tensor, shape_text
from pipeline.inspect.opened import Array
from pipeline.inspect.tables import Columns, Table, count, number, percent

_NUMBERS: Columns = {"mean": number, "std": number, "min": number, "max": number, "zeros": percent}
_LISTED = 20  # units that are named for reading


def describe(values: Array) -> dict[str, float]:
    """Return mean, standard deviation, least, largest and the share of zeros of an array of any shape."""
    return {
        "mean": float(values.mean(dtype=np.float64)),
        "std": float(values.std(dtype=np.float64)),
        "min": float(values.min()),
        "max": float(values.max()),
        "zeros": float((values == 0).mean()),
    }


def parameter_table(network: Network, values: Mapping[str, Array]) -> Table:
    """Return a row for each parameter, `norm` the root of its sum of squares; `values` has the parameters by name."""
    rows = [
        {
            "parameter": name,
            "shape": list(parameter.shape),
            "count": parameter.size,
            "learnt": parameter.learnt,
            **describe(values[name]),
            "norm": float(np.linalg.norm(values[name].astype(np.float64))),
        }
        for name, parameter in network.parameters.items()
    ]
    columns: Columns = {
        "parameter": str,
        "shape": shape_text,
        "count": count,
        "learnt": _yes,
        **_NUMBERS,
        "norm": number,
    }
    return Table("Parameters", columns, rows)


class Activations:
    """Gathers, batch by batch, what layers give: their range, and the units that never give anything but zero.

    A unit is a channel of images [N, C, H, W], and a number of rows [N, C]: the second dimension.
    """

    def __init__(self, layers: Mapping[str, Tensor]) -> None:
        self.layers = {layer: tensor for layer, tensor in layers.items() if _has_units(tensor)}
        self.samples = 0
        self._sums = {layer: np.zeros(3) for layer in self.layers}  # of numbers, of squares, of zeros
        self._counts = dict.fromkeys(self.layers, 0)
        self._least: dict[str, Array] = {}  # of each unit
        self._most: dict[str, Array] = {}

    def add(self, batch: Iterable[Array]) -> None:
        """Take what each layer gave to a batch, in the order of `layers`."""
        for layer, values in zip(self.layers, batch, strict=True):
            wide = values.astype(np.float64)
            self._sums[layer] += wide.sum(), np.square(wide).sum(), (values == 0).sum()
            self._counts[layer] += values.size
            others = tuple(axis for axis in range(values.ndim) if axis != 1)
            least, most = values.min(axis=others), values.max(axis=others)
            self._least[layer] = np.minimum(self._least.get(layer, least), least)
            self._most[layer] = np.maximum(self._most.get(layer, most), most)
        self.samples += len(values)

    def table(self, what: str) -> Table:
        """Return a row for each layer; `what` are the samples in words."""
        rows = [self._row(layer, tensor) for layer, tensor in self.layers.items()]
        notes = [f"{row['layer']}: always zero in {_listed(row['dead_units'])}" for row in rows if row["dead"]]
        notes += [
            f"{row['layer']}: always the same in {_listed(row['constant_units'])}" for row in rows if row["constant"]
        ]
        columns: Columns = {
            "layer": str,
            "output": shape_text,
            "units": count,
            "dead": count,
            "constant": count,
            **_NUMBERS,
        }
        title = f"Activations over {self.samples:,} {what}; dead units give zero for all of them, constant ones another number"
        return Table(title, columns, rows, notes or ["no unit is dead or constant"])

    def _row(self, layer: str, tensor: Tensor) -> dict[str, Any]:
        least, most, size = self._least[layer], self._most[layer], self._counts[layer]
        total, squares, zeros = self._sums[layer]
        dead, same = (least == 0) & (most == 0), least == most
        return {
            "layer": layer,
            "output": list(tensor.shape),
            "units": len(least),
            "dead": int(dead.sum()),
            "constant": int((same & ~dead).sum()),
            "mean": float(total / size),
            "std": math.sqrt(max(squares / size - (total / size) ** 2, 0.0)),
            "min": float(least.min()),
            "max": float(most.max()),
            "zeros": float(zeros / size),
            "dead_units": np.flatnonzero(dead).tolist(),
            "constant_units": np.flatnonzero(same & ~dead).tolist(),
        }


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _has_units(tensor: Tensor) -> bool:
    return tensor.dtype == "float32" and len(tensor.shape) > 1 and tensor.shape[0] == BATCH


def _listed(units: list[int]) -> str:
    more = f" and {len(units) - _LISTED} more" if len(units) > _LISTED else ""
    return f"unit{'s' * (len(units) > 1)} {', '.join(map(str, units[:_LISTED]))}{more}"
