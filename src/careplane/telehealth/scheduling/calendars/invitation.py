"""Visits as iCalendar (RFC 5545), and invitations by it (RFC 5546). Pure.

What leaves the house by mail or feed has no name, no reason and no kind of visit: when, where to
look it up, and whether it stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from careplane.fhir.tree import Tree
from careplane.telehealth.scheduling.occupancy import moment_of

MEDIA = "text/calendar; charset=utf-8"
_PRODUCT = "-//Careplane//Scheduling//EN"
_STATUS = {
    "booked": "CONFIRMED", "arrived": "CONFIRMED", "checked-in": "CONFIRMED",
    "fulfilled": "CONFIRMED", "pending": "TENTATIVE", "proposed": "TENTATIVE",
}  # fmt: skip
Method = Literal["PUBLISH", "REQUEST", "CANCEL"]
Visits = Iterable[tuple[Tree, int]]
"""Appointments, each with the number of its version, which is the SEQUENCE."""


def publish(visits: Visits, base: str, name: str = "") -> bytes:
    """A calendar of them."""
    return _calendar(visits, base, "PUBLISH", name)


def request(tree: Tree, version: int, base: str, organizer: str, attendee: str) -> bytes:
    """An invitation, or its change."""
    return _calendar([(tree, version)], base, "REQUEST", "", organizer, attendee)


def cancel(tree: Tree, version: int, base: str, organizer: str, attendee: str) -> bytes:
    """An invitation, taken back."""
    return _calendar([(tree, version)], base, "CANCEL", "", organizer, attendee)


def _calendar(
    visits: Visits, base: str, method: Method, name: str, organizer: str = "", attendee: str = ""
) -> bytes:
    from icalendar import Calendar, Event, vCalAddress

    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    if name:
        calendar.add("x-wr-calname", name)
    host = base.partition("://")[2].partition("/")[0] or "careplane"
    for tree, version in visits:
        if "start" not in tree or "end" not in tree:
            continue
        event = Event()
        event.add("uid", f"{tree['id']}@{host}")
        event.add("dtstamp", _utc(tree.get("meta", {}).get("lastUpdated") or tree["start"]))
        event.add("dtstart", _utc(tree["start"]))
        event.add("dtend", _utc(tree["end"]))
        event.add("summary", "Appointment")
        event.add("sequence", version)
        event.add("status", _STATUS.get(str(tree.get("status")), "CANCELLED"))
        event.add("class", "PRIVATE")
        event.add("url", f"{base}/Appointment/{tree['id']}")
        if organizer:
            event.add("organizer", vCalAddress(f"mailto:{organizer}"))
            guest = vCalAddress(f"mailto:{attendee}")
            guest.params["ROLE"], guest.params["PARTSTAT"] = "REQ-PARTICIPANT", "ACCEPTED"
            event.add("attendee", guest)
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _utc(text: object) -> datetime:
    return datetime.fromtimestamp(moment_of(text) // 1_000_000, UTC)
