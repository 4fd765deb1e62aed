"""`fluid.transpiler.details.checkport`."""

from __future__ import annotations

import socket
import sys
import time

_SECONDS_TO_ANSWER, _SECONDS_BETWEEN_TRIES = 2, 3


def wait_server_ready(endpoints: list[str]) -> None:
    """Return when something listens at each "address:port"; say on the standard error stream what is waited for."""
    assert not isinstance(endpoints, str), f"endpoints are a list of address:port, not {endpoints!r}"
    while silent := [endpoint for endpoint in endpoints if not _listens(endpoint)]:
        print(f"waiting for {', '.join(silent)}", file=sys.stderr, flush=True)
        time.sleep(_SECONDS_BETWEEN_TRIES)


def _listens(endpoint: str) -> bool:
    address, _, port = endpoint.rpartition(":")
    try:
        socket.create_connection((address, int(port)), _SECONDS_TO_ANSWER).close()
    except OSError:
        return False
    return True
