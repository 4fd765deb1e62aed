"""The table of a network's layers: what each operator takes, gives, keeps and is set to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.inspect.network import Network, setting_texts, shape_text
from pipeline.inspect.tables import Columns, Table, count


def layer_table(network: Network) -> Table:
    """Return a row for each operator, in the order in which they run, and how many parameters there are in all."""
    rows = [
        {
            "layer": operator.layer,
            "operator": operator.type,
            "input": [list(tensor.shape) for tensor in operator.inputs],
            "output": [list(tensor.shape) for tensor in operator.outputs],
            "settings": dict(operator.settings),
            "weights": [list(parameter.shape) for parameter in operator.parameters],
            "parameters": sum(parameter.size for parameter in operator.parameters if parameter.learnt),
        }
        for operator in network.operators
    ]
    columns: Columns = {
        "layer": str,
        "operator": str,
        "input": _shapes,
        "output": _shapes,
        "settings": _settings,
        "weights": _shapes,
        "parameters": count,
    }
    return Table("Layers", columns, rows, [_totals(network)])


def _totals(network: Network) -> str:
    learnt = sum(parameter.size for parameter in network.parameters.values() if parameter.learnt)
    kept = sum(parameter.size for parameter in network.parameters.values() if not parameter.learnt)
    beside = f", and {count(kept)} numbers of statistics that are not learnt" if kept else ""
    return f"{count(learnt)} parameters in all{beside}"


def _shapes(shapes: Sequence[Sequence[int | str]]) -> str:
    return ", ".join(map(shape_text, shapes))


def _settings(settings: Mapping[str, Any]) -> str:
    return ", ".join(setting_texts(settings))
