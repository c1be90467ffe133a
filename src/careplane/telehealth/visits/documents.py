"""What a visit leaves beside its Encounter (R4): the consent to telehealth, what was kept of the
chat, shared files and the after-visit summary."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Incorrect, TooLarge
from careplane.records.files.checking import check, without_place
from careplane.records.files.kinds import JPEG, PDF, PNG, Kind
from careplane.telehealth.visits.appointment import Booked
from careplane.telehealth.visits.messages import Chatted

CONSENTS = "https://github.com/careplane/careplane/visit-consent"
"""Identifiers of consents to telehealth: the id of the appointment."""
_OURS = "https://github.com/careplane/careplane/CodeSystem/visit"
_LOINC = "http://loinc.org"
_AUTHORS = ("Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Device")
_LARGEST = 5_000_000
_LONGEST = 20_000
SHARED: dict[str, Kind] = {kind.media: kind for kind in (PDF, JPEG, PNG)}
"""What is shared in a visit."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who does something, by resource (perhaps of no clinical type) and name."""

    id: str
    name: str

    def reference(self) -> Tree:
        """As an author, performer or sender."""
        named: Tree = {"display": self.name} if self.name else {}
        if self.id.partition("/")[0] in _AUTHORS:
            named["reference"] = self.id
        return named


def consent(visit: Booked, by: Person, now: int) -> Tree:
    """That the patient agrees to be seen by video. Its scope is no question of access to records,
    so it opens and closes none."""
    text = "I agree to be seen by video, and have been told that I may refuse or stop at any time."
    return {
        "resourceType": "Consent",
        "identifier": [{"system": CONSENTS, "value": visit.id}],
        "status": "active",
        "scope": {"coding": [{"system": _OURS, "code": "telehealth", "display": "Telehealth"}]},
        "category": [
            {"coding": [{"system": _LOINC, "code": "59284-0", "display": "Consent Document"}]}
        ],
        "patient": {"reference": visit.patient},
        "dateTime": format_instant(now),
        "performer": [by.reference()],
        "policyRule": {"text": text},
        "provision": {
            "type": "permit",
            "period": {"start": format_instant(visit.start)[:10]},
            "data": [{"meaning": "related", "reference": {"reference": f"Appointment/{visit.id}"}}],
        },
    }


RECORDINGS = "https://github.com/careplane/careplane/visit-recording"
"""Identifiers of consents to be recorded: the id of the appointment."""
_WEBM = b"\x1aE\xdf\xa3"
_LARGEST_PIECE = 10_000_000
_PIECES = 1_000


def consent_to_recording(visit: Booked, by: Sequence[Person], now: int) -> Tree:
    """That all who were in the room, `by`, agree to be recorded."""
    made = consent(visit, by[0], now)
    return {
        **made,
        "identifier": [{"system": RECORDINGS, "value": visit.id}],
        "performer": [one.reference() for one in by],
        "policyRule": {"text": "I agree that this visit is recorded, and that I may stop it."},
    }


def recording(
    visit: Booked, encounter: str, by: Person, number: int, data: bytes, now: int
) -> Tree:
    """A piece of a recording (R4 Media). Raises Incorrect for what is no WebM, TooLarge."""
    if not 1 <= number <= _PIECES:
        raise Incorrect(f"Pieces are numbered from 1 to {_PIECES}.")
    if len(data) > _LARGEST_PIECE:
        raise TooLarge(f"A piece of a recording has {_LARGEST_PIECE} bytes at most.")
    if not data.startswith(_WEBM):
        raise Incorrect("A recording is WebM (video/webm).")
    at = format_instant(now)
    return {
        "resourceType": "Media",
        "identifier": [{"system": RECORDINGS, "value": f"{visit.id}/{number}"}],
        "status": "completed",
        "type": {"text": "Recording of a video visit"},
        "subject": {"reference": visit.patient},
        "encounter": {"reference": encounter},
        "createdDateTime": at,
        "operator": by.reference(),
        "content": {
            "contentType": "video/webm",
            "data": base64.b64encode(data).decode(),
            "title": f"Recording, part {number}",
            "creation": at,
        },
    }


def kept_chat(
    visit: Booked, encounter: str, by: Person, lines: Sequence[Chatted], now: int
) -> Tree:
    """Lines of the chat, each with who said it and when."""
    said = [f"{format_instant(one.at * 1000)} {one.name}: {one.text}" for one in lines]
    return {
        "resourceType": "Communication",
        "status": "completed",
        "category": [{"text": "Chat of a video visit"}],
        "medium": [{"text": "chat"}],
        "subject": {"reference": visit.patient},
        "encounter": {"reference": encounter},
        "about": [{"reference": f"Appointment/{visit.id}"}],
        "sent": format_instant(now),
        "sender": by.reference(),
        "payload": [{"contentString": one} for one in said],
    }


def summary(visit: Booked, encounter: str, by: Person, text: str, now: int) -> Tree:
    """What the patient takes home. Raises Incorrect for one that is empty or too long."""
    if not text.strip() or len(text) > _LONGEST:
        raise Incorrect(f"Write a summary of {_LONGEST} characters at most.")
    concept = {
        "coding": [
            {"system": _LOINC, "code": "34133-9", "display": "Summary of episode note"},
            {"system": _OURS, "code": "after-visit-summary", "display": "After-visit summary"},
        ],
        "text": "After-visit summary",
    }
    return _document(
        visit, encounter, by, concept, "After-visit summary", "text/plain; charset=utf-8",
        text.encode(), now,
    )  # fmt: skip


def shared_file(
    visit: Booked, encounter: str, by: Person, title: str, kind: str, data: bytes, now: int,
    *, keeps_places: bool = False,
) -> Tree:  # fmt: skip
    """A file of one of these kinds, a photograph without where it was taken unless the institution
    keeps that. Raises Incorrect for another kind, FileRefused for one that is something else than
    it says, TooLarge."""
    if len(data) > _LARGEST:
        raise TooLarge(f"A file has {_LARGEST} bytes at most.")
    if kind not in SHARED:
        raise Incorrect(f"Files are of one of: {', '.join(SHARED)}.")
    data = without_place(check(title, kind, data), data, keeps=keeps_places)
    title = " ".join(title.split())[:80] or "File"
    concept = {"coding": [{"system": _OURS, "code": "shared-file"}], "text": "Shared in a visit"}
    return _document(visit, encounter, by, concept, title, kind, data, now)


def _document(
    visit: Booked, encounter: str, by: Person, type: Tree, title: str, kind: str, data: bytes,
    now: int,
) -> Tree:  # fmt: skip
    at = format_instant(now)
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "docStatus": "final",
        "type": type,
        "subject": {"reference": visit.patient},
        "date": at,
        "author": [by.reference()],
        "content": [
            {
                "attachment": {
                    "contentType": kind,
                    "data": base64.b64encode(data).decode(),
                    "title": title,
                    "creation": at,
                }
            }
        ],
        "context": {
            "encounter": [{"reference": encounter}],
            "related": [{"reference": f"Appointment/{visit.id}"}],
        },
    }
