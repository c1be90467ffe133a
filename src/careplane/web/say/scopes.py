"""What an app may do, in words that a person understands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from careplane.access.smart.contexts import (
    FHIR_USER,
    OFFLINE,
    ONLINE,
    OPENID,
    PROFILE,
)
from careplane.access.smart.launch.choices import REST, Choice
from careplane.web.i18n import mark

PARTS: dict[str, str] = {
    "Patient": mark("Name, date of birth, address"),
    "AllergyIntolerance": mark("Allergies"),
    "Condition": mark("Problems and diagnoses"),
    "MedicationRequest": mark("Prescriptions"),
    "Observation": mark("Results and vital signs"),
    "DiagnosticReport": mark("Reports"),
    "Immunization": mark("Vaccinations"),
    "Procedure": mark("Procedures"),
    "Encounter": mark("Visits and stays"),
    "DocumentReference": mark("Documents and notes"),
    "CarePlan": mark("Care plans"),
    "CareTeam": mark("Care team"),
    "Goal": mark("Goals"),
    "Device": mark("Devices"),
    "Coverage": mark("Insurance"),
    "Practitioner": mark("Who treats"),
    "Organization": mark("Hospitals and practices"),
    "Location": mark("Places"),
    "Medication": mark("Medicines"),
    "Appointment": mark("Appointments"),
    "RelatedPerson": mark("Relatives"),
    REST: mark("Everything else in the record"),
    OPENID: mark("Know that it is you, and your name"),
    FHIR_USER: mark("Know that it is you, and your name"),
    PROFILE: mark("Know that it is you, and your name"),
    OFFLINE: mark("Go on while you are away"),
    ONLINE: mark("Go on as long as you are signed in here"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the consent screen. `keys` are the boxes that it stands for; `does` is what the app
    could do with it, empty for what is no part of a record; `only` are conditions of a granular
    scope; `everyone`, where it is not about one patient."""

    keys: tuple[str, ...]
    what: str
    does: str
    only: str
    everyone: bool


def say_choices(choices: Iterable[Choice]) -> list[Row]:
    """The lines for some boxes. Who a person is is one line, whatever an app calls it."""
    rows: dict[object, Row] = {}
    for one in choices:
        does, what = _does(one), say_part(one.part)
        line = one.key if does else what
        keys = (*rows[line].keys, one.key) if line in rows else (one.key,)
        rows[line] = Row(keys, what, does, _only(one.arguments), one.everyone and bool(does))
    return list(rows.values())


def say_part(part: str) -> str:
    """A part of a record; a type that nobody has words for by its own name."""
    return PARTS.get(part, part)


def say_duration(contexts: frozenset[str]) -> str:
    """For how long, as a sentence."""
    if OFFLINE in contexts:
        return mark("Until you end it under “Apps”, and while you are away as well.")
    if ONLINE in contexts:
        return mark("As long as you are signed in here.")
    return mark("Once, for a short time; then it has to ask again.")


def _does(choice: Choice) -> str:
    if choice.looks and choice.writes:
        return mark("see and change")
    if choice.writes:
        return mark("change")
    return mark("see") if choice.looks else ""


def _only(arguments: str) -> str:
    """`category=http://…|laboratory` as `laboratory`."""
    values = (value.rpartition("|")[2] for _, value in parse_qsl(arguments))
    return ", ".join(filter(None, values)) or arguments
