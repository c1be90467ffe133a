"""To whom something is said: in which language, and at which clock.

It belongs to the context (PEP 567), as the one who is spoken to is the same in all that answers one
request, and every function that writes a value would have to be handed it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from careplane.words.languages import SOURCE, direction

_NAME = re.compile(r"[A-Za-z0-9_+-]{1,32}(?:/[A-Za-z0-9_+-]{1,32}){0,2}")


@dataclass(frozen=True, slots=True)
class Audience:
    """`zone` is a name of the time zone database, one that `is_zone`."""

    language: str = SOURCE
    zone: str = "UTC"

    @property
    def direction(self) -> str:
        """Which way they read."""
        return direction(self.language)

    @property
    def clock(self) -> ZoneInfo:
        """The zone with its rules."""
        return ZoneInfo(self.zone)


_NOBODY = Audience()
_audience: ContextVar[Audience] = ContextVar("audience", default=_NOBODY)


def audience() -> Audience:
    """Who is spoken to now; English and UTC where nobody has said."""
    return _audience.get()


@contextmanager
def speaking(to: Audience) -> Iterator[None]:
    """What is said in here is said to them."""
    token = _audience.set(to)
    try:
        yield
    finally:
        _audience.reset(token)


@cache
def zones() -> tuple[str, ...]:
    """The names of places that have a time, and UTC."""
    places = (name for name in available_timezones() if "/" in name)
    return ("UTC", *sorted(name for name in places if not name.startswith(("Etc/", "SystemV/"))))


def is_zone(name: str) -> bool:
    """Whether there is such a time zone."""
    if not _NAME.fullmatch(name):
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
