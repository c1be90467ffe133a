"""Time is passed in, so that a test can hold it still."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    """Tells the time as microseconds since 1970-01-01T00:00:00Z."""

    def __call__(self) -> int: ...


def system_clock() -> int:
    """The clock of the machine."""
    return time.time_ns() // 1000


def format_instant(micros: int) -> str:
    """A FHIR `instant` in UTC with milliseconds: `2026-11-24T13:34:27.123Z`."""
    return f"{_second(micros // 1_000_000)}.{micros // 1000 % 1000:03d}Z"


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    # Many versions share a second, and writing it costs more than reading a record.
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
