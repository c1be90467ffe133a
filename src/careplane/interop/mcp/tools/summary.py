"""`summary`: what matters of a patient, in short sections, each line with the resource it is of.

Each section is a search of its own: what the caller has no right to search is said to be withheld,
what policies and Consents hide is not there, as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from careplane.access.caller import Caller
from careplane.fhir import lines
from careplane.fhir.codec import json
from careplane.fhir.lines import Line
from careplane.fhir.tree import Tree
from careplane.interop.mcp.tool import DATA, Answer, Arguments, Desk, Tool
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Forbidden, Incorrect
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.commands import Handling
from careplane.records.results import Version

_DATE = 10
_NOTE = (
    "What this caller may not see is missing here. An empty section does not say that there is "
    "nothing."
)


class _Asked(NamedTuple):
    """One search of a section."""

    type: str
    pairs: tuple[tuple[str, str], ...]
    line: Callable[[str, Tree, Mapping[str, str]], Line]


_STANDING = (
    ("clinical-status:not", "inactive"),
    ("clinical-status:not", "resolved"),
    ("verification-status:not", "entered-in-error"),
    ("verification-status:not", "refuted"),
)
_NEWEST = (("status:not", "entered-in-error"), ("status:not", "cancelled"), ("_sort", "-date"))
_SECTIONS: tuple[tuple[_Asked, ...], ...] = (
    (
        _Asked(
            "Condition",
            (*_STANDING, ("clinical-status:not", "remission"), ("_sort", "-recorded-date")),
            lines.problem,
        ),
    ),
    (_Asked("AllergyIntolerance", (*_STANDING, ("_sort", "-date")), lines.allergy),),
    (
        _Asked(
            "MedicationRequest",
            (
                ("status", "active,on-hold"),
                ("_sort", "-authoredon"),
                ("_include", "MedicationRequest:medication"),
            ),
            lines.medication,
        ),
        _Asked(
            "MedicationStatement",
            (
                ("status", "active,intended,on-hold"),
                ("_sort", "-effective"),
                ("_include", "MedicationStatement:medication"),
            ),
            lines.medication,
        ),
    ),
    (
        _Asked("Observation", _NEWEST, lines.result),
        _Asked("DiagnosticReport", _NEWEST, lines.report),
    ),
    (
        _Asked(
            "Appointment",
            (("status", "proposed,pending,booked,waitlist"), ("_sort", "date")),
            lines.appointment,
        ),
    ),
)
"""In the order of `Given`: problems, allergies, medications, results, upcoming."""


class Taken(Arguments, frozen=True):
    """What `summary` takes."""

    patient: Annotated[
        str,
        Meta(
            description="Id of the Patient; empty: the one that the token is for, if it is for "
            "one.",
            max_length=64,
        ),
    ] = ""
    count: Annotated[int, Meta(ge=1, le=25, description="Lines of each section.")] = 10


class Section(Struct, frozen=True, omit_defaults=True):
    """One section."""

    lines: list[Line]
    more: Annotated[bool, Meta(description="Whether there are more than are shown.")] = False
    withheld: Annotated[
        tuple[str, ...],
        Meta(
            description="Types of resources that this caller may not search: it is not known "
            "whether there are any."
        ),
    ] = ()


class Person(Struct, frozen=True, omit_defaults=True):
    """Whom it is about."""

    reference: Annotated[str, Meta(description="The resource, such as Patient/17.")]
    name: str = ""
    born: str = ""
    gender: str = ""
    deceased: Annotated[str, Meta(description="When, or true; missing while alive.")] = ""


class Given(Answer, frozen=True):
    """What `summary` gives."""

    patient: Person
    problems: Annotated[Section, Meta(description="Conditions that are not over.")]
    allergies: Section
    medications: Annotated[Section, Meta(description="Medicines that are being taken.")]
    results: Annotated[Section, Meta(description="Newest observations and reports.")]
    upcoming: Annotated[Section, Meta(description="Appointments from today on.")]
    note: Annotated[str, Meta(description="How all of this is to be read.")]


async def summary(desk: Desk, caller: Caller, taken: Taken) -> Given:
    """Raises NotFound for a patient who is not here, or whom the caller may not see."""
    id = taken.patient or caller.patient
    if not id:
        raise Incorrect("Name the patient: the token is for none by itself.")
    patient = json.parse(whole(await desk.door.read(caller, c.Read("Patient", id))))
    today = format_instant(desk.clock())[:_DATE]
    sections = [await _section(desk, caller, asked, id, today, taken.count) for asked in _SECTIONS]
    gone = patient.get("deceasedDateTime") or patient.get("deceasedBoolean")
    person = Person(
        f"Patient/{id}",
        lines.named(patient),
        patient.get("birthDate", ""),
        patient.get("gender", ""),
        str(gone).lower() if gone is True else str(gone or ""),
    )
    problems, allergies, medications, results, upcoming = sections
    return Given(person, problems, allergies, medications, results, upcoming, _NOTE)


async def _section(
    desk: Desk, caller: Caller, searches: tuple[_Asked, ...], id: str, today: str, most: int
) -> Section:
    found: list[Line] = []
    withheld: list[str] = []
    more = False
    for type, pairs, line in searches:
        when = (("date", f"ge{today}"),) if type == "Appointment" else ()
        asked = (("patient", id), *pairs, *when, ("_count", str(most)))
        try:
            page = await desk.door.search(caller, c.Search(type, asked, Handling.STRICT))
        except Forbidden:
            withheld.append(type)
            continue
        names = {_reference(one): lines.said(_tree(one).get("code")) for one in page.included}
        found += [line(_reference(one), _tree(one), names) for one in page.matches]
        more = more or page.next is not None
    return Section(found, more, tuple(withheld))


def _reference(version: Version) -> str:
    return f"{version.type}/{version.id}"


def _tree(version: Version) -> Tree:
    return json.parse(whole(version))


TOOL = Tool(
    "summary",
    "Summarise a patient",
    "A patient in short: problems, allergies, medicines, newest results and coming appointments, "
    "as they are recorded. It is a finding aid, not a judgement: read the resources that it names "
    "before anything is decided." + DATA,
    Taken,
    Given,
    summary,
)
