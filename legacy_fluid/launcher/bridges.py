"""Names that Python and its libraries dropped after fluid's time, put back for the program that is run.

They are put back in its process only: `legacy_fluid.install()` leaves other libraries alone.
"""

from __future__ import annotations

import collections.abc
import inspect
import pkgutil
import sys
import warnings
from collections.abc import Mapping
from typing import Any


def build() -> None:
    """Put back every name of BRIDGES that its library lacks, and keep the libraries' deprecations from the program."""
    for owner, names in BRIDGES.items():
        try:
            target = pkgutil.resolve_name(owner)
        except ImportError:
            continue  # not installed: the program will say so itself, if it needs it
        for name, meaning in names.items():
            if name not in vars(target):  # not hasattr, at which NumPy would warn
                setattr(target, name, pkgutil.resolve_name(meaning) if isinstance(meaning, str) else meaning)
    if not sys.warnoptions:
        # Python shows them for __main__ by default; they tell the owner of an old program nothing to act upon.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="__main__")


def _getargspec(func: Any) -> Any:
    """Return the arguments, the names of `*` and `**`, and the defaults of a function."""
    spec = inspect.getfullargspec(func)
    return _ArgSpec(spec.args, spec.varargs, spec.varkw, spec.defaults)


_ArgSpec = collections.namedtuple("ArgSpec", "args varargs keywords defaults")


def _textsize(self: Any, text: Any, font: Any = None, **options: Any) -> tuple[int, int]:
    """Return the width and height that `text` takes, from the line it is drawn at."""
    left, _, right, bottom = self.textbbox((0, 0), text, font, **options)
    return int(right - left), int(bottom)


def _getsize(self: Any, text: Any, **options: Any) -> tuple[int, int]:
    """Return the width and height that `text` takes, from the line it is drawn at."""
    left, _, right, bottom = self.getbbox(text, **options)
    return int(right - left), int(bottom)


# where it was -> name -> what it is: an object, or where that lives now, as "module:attribute"
BRIDGES: Mapping[str, Mapping[str, Any]] = {
    # Python 3.9 to 3.11
    "collections": {name: getattr(collections.abc, name) for name in collections.abc.__all__},
    "base64": {"encodestring": "base64:encodebytes", "decodestring": "base64:decodebytes"},
    "fractions": {"gcd": "math:gcd"},
    "inspect": {"getargspec": _getargspec},
    "threading:Thread": {"isAlive": "threading:Thread.is_alive"},
    "time": {"clock": "time:process_time"},
    # NumPy 1.23 to 2.0
    "numpy": {
        **{name: f"builtins:{name}" for name in ("bool", "int", "float", "complex", "object", "str")},
        "long": int,
        "unicode": str,
        "float_": "numpy:float64",
        "complex_": "numpy:complex128",
        "string_": "numpy:bytes_",
        "unicode_": "numpy:str_",
        "Inf": "numpy:inf",
        "NaN": "numpy:nan",
        "alen": len,
        "asscalar": lambda a: a.item(),
        "product": "numpy:prod",
        "cumproduct": "numpy:cumprod",
        "alltrue": "numpy:all",
        "sometrue": "numpy:any",
    },
    # Pillow 10
    "PIL.Image": {"ANTIALIAS": "PIL.Image:LANCZOS", "LINEAR": "PIL.Image:BILINEAR", "CUBIC": "PIL.Image:BICUBIC"},
    "PIL.ImageDraw:ImageDraw": {"textsize": _textsize},
    "PIL.ImageFont:FreeTypeFont": {"getsize": _getsize},
    "PIL.ImageFont:ImageFont": {"getsize": _getsize},
}
