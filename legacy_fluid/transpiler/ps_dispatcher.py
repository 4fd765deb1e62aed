"""`fluid.transpiler.ps_dispatcher`: which of several servers holds which variable."""

from __future__ import annotations

from typing import Any


class PSDispatcher:
    """Gives each variable an endpoint; `dispatch` says how.

    Args:
        pserver_endpoints: list of "address:port".
    """

    def __init__(self, pserver_endpoints: list[str]) -> None:
        self._eps = pserver_endpoints
        self._step = 0

    @property
    def eps(self) -> list[str]:
        return self._eps

    def reset(self) -> None:
        """Begin with the first endpoint again."""
        self._step = 0

    def dispatch(self, varlist: Any) -> Any:
        """Return the endpoint of each variable."""


class HashName(PSDispatcher):
    """The endpoint follows from the hash of the variable's name; variables have a method `name`."""

    def __init__(self, pserver_endpoints: list[str]) -> None:
        super().__init__(pserver_endpoints)

    def dispatch(self, varlist: Any) -> list[str]:
        """Return the endpoint of each variable."""
        return [self._eps[hash(var.name()) % len(self._eps)] for var in varlist]


class RoundRobin(PSDispatcher):
    """The endpoints take turns."""

    def __init__(self, pserver_endpoints: list[str]) -> None:
        super().__init__(pserver_endpoints)

    def dispatch(self, varlist: Any) -> list[str]:
        """Return the endpoint of each variable."""
        number = len(self._eps)
        chosen = [self._eps[(self._step + turn) % number] for turn in range(len(varlist))]
        self._step = (self._step + len(chosen)) % number
        return chosen
