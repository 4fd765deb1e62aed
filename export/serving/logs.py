"""Logs: JSON, one object a line, or plain lines where a person watches on a terminal."""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime

import orjson

from export.serving.exchange import Exchange

_OWN = frozenset(vars(logging.makeLogRecord({})))
_FLUSHED_AT = 64 * 1024  # bytes of access log


class JsonLines(logging.Formatter):
    """A record as an object: time, level, process, message, what was given as `extra`, and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": os.getpid(),
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _OWN and name != "message"},
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(fields, default=str).decode()


def configure() -> None:
    """Let this process log JSON, unless its stderr is a terminal."""
    if not sys.stderr.isatty():
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonLines())


class AccessLog:
    """A line for each answer, written many at a time: a system call for each would cost as much as the answer."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._size = 0

    def add(self, exchange: Exchange, status: int, seconds: float) -> None:
        """Note an answer."""
        line = orjson.dumps(
            {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "level": "info",
                "process": os.getpid(),
                "message": "answered",
                "request": exchange.id.decode("latin-1"),
                "method": exchange.method.decode("latin-1"),
                "path": exchange.path.decode("latin-1"),
                "status": status,
                "milliseconds": round(1000 * seconds, 3),
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        self._lines.append(line)
        self._size += len(line)
        if self._size > _FLUSHED_AT:
            self.flush()

    def flush(self) -> None:
        """Write what was noted."""
        if self._lines:
            sys.stderr.buffer.write(b"".join(self._lines))
            sys.stderr.buffer.flush()
            self._lines, self._size = [], 0
