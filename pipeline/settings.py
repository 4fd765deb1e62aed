"""What a value may be, and choices with settings of their own, written `name:key=value,key=value`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fluidline.errors import UsageError, closest

NONE = "none"  # an option that is not used says so

_KINDS = {int: "a whole number", float: "a number", str: "a text", bool: "0 or 1"}
_FLAGS = {"0": False, "false": False, "1": True, "true": True}


@dataclass(frozen=True)
class Value:
    """A kind of value and its range."""

    kind: type[Any] = str
    least: float = -math.inf
    above: float = -math.inf
    most: float = math.inf
    below: float = math.inf
    optional: bool = False

    def check(self, name: str, value: Any) -> Any:
        """Return `value` as this kind. Raises UsageError where it is of another kind or out of range."""
        if value is None and self.optional:
            return None
        if self.kind is float and type(value) is int:
            value = float(value)
        if type(value) is not self.kind or (self.kind is float and not math.isfinite(value)):
            raise UsageError(f"{name} is {value!r}, which is not {_KINDS[self.kind]}")
        if self.kind is not str:
            self._check_range(name, value)
        return value

    def _check_range(self, name: str, value: float) -> None:
        if value < self.least:
            raise UsageError(f"{name} is {value}, and must be at least {self.least}")
        if value <= self.above:
            raise UsageError(f"{name} is {value}, and must be above {self.above}")
        if value > self.most:
            raise UsageError(f"{name} is {value}, and must be at most {self.most}")
        if value >= self.below:
            raise UsageError(f"{name} is {value}, and must be below {self.below}")


@dataclass(frozen=True)
class Setting(Value):
    """A value that is read from a text; without a `default` it must be given, unless it is optional.

    `many` values make one setting, written with slashes: `0.1/0.01/0.001`.
    """

    kind: type[Any] = float
    default: Any = field(default=None, kw_only=True)
    many: bool = field(default=False, kw_only=True)

    def read(self, name: str, text: str) -> Any:
        """Return what `text` says, a tuple where there are many. Raises UsageError where it makes no sense."""
        if self.many:
            return tuple(self._read_one(name, part) for part in text.split("/"))
        return self._read_one(name, text)

    def _read_one(self, name: str, text: str) -> Any:
        try:
            value = _FLAGS[text.strip().lower()] if self.kind is bool else self.kind(text)
        except (KeyError, ValueError):
            raise UsageError(f"{name} is '{text}', which is not {_KINDS[self.kind]}") from None
        return self.check(name, value)


def parse_choice(what: str, text: str, table: Mapping[str, Mapping[str, Setting]]) -> tuple[str, dict[str, Any]]:
    """Return the name in `name:key=value,key=value` and the settings that `table` has for it, with their defaults.

    Raises UsageError that names what is wrong.
    """
    name, _, rest = text.partition(":")
    if name not in table:
        raise UsageError(f"no such {what}: '{name}'{closest(name, table)}")
    return name, parse_settings(name, rest, table[name])


def parse_settings(owner: str, text: str, settings: Mapping[str, Setting]) -> dict[str, Any]:
    """Return all `settings` of the `owner`, as `key=value,key=value` gives them, with their defaults.

    Raises UsageError that names what is wrong.
    """
    values = {}
    for part in text.split(",") if text else ():
        key, _, value = part.strip().partition("=")
        if key not in settings:
            known = closest(key, settings) if settings else " (it has none)"
            raise UsageError(f"{owner} has no setting '{key}'{known}")
        values[key] = settings[key].read(f"{owner}'s {key}", value)
    for key, setting in settings.items():
        if key not in values and setting.default is None and not setting.optional:
            raise UsageError(f"{owner} needs {key} (as in {key}=...)")
    return {key: values.get(key, setting.default) for key, setting in settings.items()}
