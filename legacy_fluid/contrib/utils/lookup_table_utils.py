"""`fluid.contrib.utils.lookup_table_utils`: embeddings that parameter servers held."""

from __future__ import annotations

from typing import Any

from ...coverage import refused

__all__ = [
    "convert_dist_to_sparse_program",
    "load_persistables_for_increment",
    "load_persistables_for_inference",
]


@refused("fluid.contrib.convert_dist_to_sparse_program")
def convert_dist_to_sparse_program(program: Any) -> Any:
    """Let a program look up in this process what servers held."""


@refused("fluid.contrib.load_persistables_for_increment")
def load_persistables_for_increment(
    dirname: str, executor: Any, program: Any, lookup_table_var: Any, lookup_table_var_path: str
) -> None:
    """Load a server's part of a table to train on."""


@refused("fluid.contrib.load_persistables_for_inference")
def load_persistables_for_inference(dirname: str, executor: Any, program: Any, lookup_table_var_name: str) -> Any:
    """Load the table of all servers to look up in."""
