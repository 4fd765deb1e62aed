"""Pickles from outside: a file may hold arrays and plain containers, and nothing that runs code."""

from __future__ import annotations

import collections
import pickle
from typing import Any

import numpy as np

_ALLOWED = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("_codecs", "encode"): lambda text, encoding: text.encode(encoding),  # how Python 2 wrote an array's bytes
}
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _ALLOWED[_module, "_reconstruct"] = np.core.multiarray._reconstruct  # type: ignore[attr-defined]
    _ALLOWED[_module, "scalar"] = np.core.multiarray.scalar


class _RestrictedUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"the file wants to load {module}.{name}, and parameters are arrays and plain containers only"
            ) from None


def load_pickle(path: str) -> Any:
    """Return what a pickle of arrays and plain containers holds, written by Python 2 or 3.

    Raises:
        pickle.UnpicklingError: it names anything else, or is torn.
    """
    with open(path, "rb") as file:
        return _RestrictedUnpickler(file, encoding="latin1").load()
