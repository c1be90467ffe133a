"""A moment in somebody's time zone (IANA), so that a patient reads the clock on the wall."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from careplane.fhir.tree import Tree
from careplane.web.i18n import mark

ZONE = "http://hl7.org/fhir/StructureDefinition/timezone"
_DAYS = (
    mark("Monday"), mark("Tuesday"), mark("Wednesday"), mark("Thursday"), mark("Friday"),
    mark("Saturday"), mark("Sunday"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moment:
    """`local` is an ISO 8601 date and time there, `day` the day of the week as a message id."""

    local: str
    day: str
    zone: str

    @property
    def date(self) -> str:
        return self.local[:10]

    @property
    def clock(self) -> str:
        return self.local[11:16]


def zone_of(*trees: Tree) -> str:
    """The first IANA name that one of these resources says and this machine knows; else none."""
    for tree in trees:
        for extension in tree.get("extension", ()):
            name = str(extension.get("valueCode") or extension.get("valueString", ""))
            if extension.get("url") == ZONE and is_known(name):
                return name
    return ""


def is_known(name: str) -> bool:
    """Whether there is such a zone."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return False
    return True


def moment(value: str, zone: str) -> Moment | None:
    """An `instant` or `dateTime` there; without a zone by the offset that it was sent with. None
    for a date without a time, or what is no moment."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    if len(value) <= 10:
        return None
    there = found if found.tzinfo else found.replace(tzinfo=UTC)
    if zone:
        there = there.astimezone(ZoneInfo(zone))
    named = zone.replace("_", " ") or str(there.tzinfo)
    return Moment(there.isoformat(timespec="minutes"), _DAYS[there.weekday()], named)
