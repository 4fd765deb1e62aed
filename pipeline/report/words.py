"""Numbers and times as they stand in a report."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(time: str | datetime) -> str:
    """Return an instant, ISO 8601 where it is a text, in UTC to the minute."""
    instant = datetime.fromisoformat(time) if isinstance(time, str) else time
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def duration(seconds: float) -> str:
    """Return a time span as one reads it off a clock."""
    if seconds < 100:
        return f"{number(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def number(value: float) -> str:
    """Return three significant digits, or all digits before the point where there are more."""
    digits = next((digits for digits, limit in ((2, 10), (1, 100)) if abs(value) < limit), 0)
    return f"{value:,.{digits}f}"


def difference(value: float) -> str:
    """Return a rounding error in two digits."""
    return f"{value:.1e}" if value else "0"


def size(count: int) -> str:
    """Return a number of bytes in the unit that suits it."""
    if count < 1024:
        return f"{count:,} B"
    return f"{number(count / 1024)} KiB" if count < 2**20 else f"{number(count / 2**20)} MiB"
