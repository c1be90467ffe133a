"""What is said. Mail and text messages are no secure channels: a message tells when, and nothing of
whom, why, or what kind of visit. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from careplane.fhir.moment import interval
from careplane.fhir.tree import Tree
from careplane.telehealth.scheduling.calendars import invitation
from careplane.telehealth.scheduling.notices.channel import Message
from careplane.telehealth.scheduling.occupancy import held_until
from careplane.words import dates
from careplane.words.audience import Audience, speaking
from careplane.words.catalogues import gettext as _
from careplane.words.catalogues import mark
from careplane.words.patients import language_of

Kind = Literal["booked", "moved", "cancelled", "offer", "reminder"]
_SUBJECTS: dict[Kind, str] = {
    "booked": mark("Your appointment"),
    "moved": mark("Your appointment has been moved"),
    "cancelled": mark("Your appointment has been cancelled"),
    "offer": mark("A time has become free for you"),
    "reminder": mark("A reminder of your appointment"),
}
_SENTENCES: dict[Kind, str] = {
    "booked": mark("You have an appointment on %(when)s."),
    "moved": mark("Your appointment is now on %(when)s."),
    "cancelled": mark("Your appointment on %(when)s has been cancelled."),
    "offer": mark(
        "A time that you wait for has become free: %(when)s. It is kept for you until %(until)s: "
        "book it by then, or it is offered to somebody else."
    ),
    "reminder": mark("You have an appointment on %(when)s."),
}
_BY_SMS: frozenset[Kind] = frozenset({"offer", "reminder", "cancelled"})
_METHODS: dict[Kind, str] = {"booked": "REQUEST", "moved": "REQUEST", "cancelled": "CANCEL"}


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: the institution's address, and what it is called."""

    base: str
    organizer: str
    name: str = ""


def letters(
    kind: Kind, tree: Tree, version: int, patient: Tree, sender: Sender, now: int
) -> Iterator[tuple[Literal["email", "sms"], Message]]:
    """What goes to a patient, in their language, by each way that their record has an address for;
    nothing to one who has died."""
    if patient.get("deceasedBoolean") or "deceasedDateTime" in patient:
        return
    with speaking(Audience(language_of(patient))):
        subject = _(_SUBJECTS[kind])
        when = dates.long_moment_there(datetime.fromisoformat(str(tree["start"])))
        text = _(_SENTENCES[kind], when=when, until=_until(tree, held_until(tree)))
    signed = f"\n\n{sender.name}" if sender.name else ""
    where = f"\n\n{sender.base.removesuffix('/fhir')}" if sender.base else ""
    if address := address_of(patient, "email", now):
        method = _METHODS.get(kind, "")
        write = invitation.cancel if kind == "cancelled" else invitation.request
        file = write(tree, version, sender.base, sender.organizer, address) if method else b""
        body = f"{text}{where}{signed}\n"
        yield "email", Message(address, subject, body, file, method)
    if kind in _BY_SMS and (number := address_of(patient, "sms", now)):
        said = f"{sender.name}: {text}" if sender.name else text
        yield "sms", Message(number, subject, said)


def address_of(patient: Tree, system: Literal["email", "sms"], now: int) -> str:
    """The first address of a way, by rank; empty where there is none, or only old ones."""
    points = [one for one in patient.get("telecom", ()) if _fits(one, system, now)]
    points.sort(key=lambda one: int(one.get("rank", 1000)))
    return str(points[0]["value"]) if points else ""


def _fits(point: Tree, system: str, now: int) -> bool:
    end = point.get("period", {}).get("end")
    if (
        point.get("use") == "old"
        or not point.get("value")
        or (end and interval(str(end))[1] <= now)
    ):
        return False
    if system == "email":
        return point.get("system") == "email"
    mobile = point.get("system") == "phone" and point.get("use") == "mobile"
    return point.get("system") == "sms" or mobile


def _until(tree: Tree, until: int | None) -> str:
    if until is None:
        return ""
    zone = datetime.fromisoformat(str(tree["start"])).tzinfo
    return dates.long_moment_there(datetime.fromtimestamp(until // 1_000_000, zone))
