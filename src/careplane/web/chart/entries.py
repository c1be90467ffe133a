"""The forms of a chart's lists: which fields each has, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from careplane.care import concepts
from careplane.care.lists import allergy, immunization, problem
from careplane.fhir.tree import Tree
from careplane.web.i18n import mark

Choices = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `choices` of a list, `empty` the words for none of them; else a text, or a date
    that may be partial. `hint` says how to fill it."""

    name: str
    label: str
    choices: Choices = ()
    empty: str = ""
    hint: str = ""
    preset: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """The form of one list. `ask` is what is sought first, `add` and `edit` are headings."""

    type: str
    kind: concepts.Kind
    fill: Callable[[Tree], dict[str, str]]
    add: str
    edit: str
    ask: str
    fields: tuple[Field, ...]


_CERTAIN: Choices = (
    ("confirmed", mark("Confirmed")),
    ("unconfirmed", mark("Unconfirmed")),
    ("refuted", mark("Refuted")),
    ("entered-in-error", mark("Entered in error")),
)
_DAY = mark("As 2025-03-01; the month or the year alone will do.")
_NOTE = Field("note", mark("Note"))

ENTRIES: dict[str, Entry] = {
    "problems": Entry(
        "Condition", concepts.PROBLEMS, problem.fill,
        mark("Add a problem"), mark("Change a problem"), mark("Which problem?"),
        (
            Field("status", mark("State"), (
                ("active", mark("Active")), ("recurrence", mark("Recurrence")),
                ("relapse", mark("Relapse")), ("inactive", mark("Inactive")),
                ("remission", mark("Remission")), ("resolved", mark("Resolved")),
            ), preset="active"),
            Field("certainty", mark("How certain"), (
                ("confirmed", mark("Confirmed")), ("provisional", mark("Provisional")),
                ("differential", mark("Differential diagnosis")),
                *_CERTAIN[1:],
            ), preset="confirmed"),
            Field("severity", mark("Severity"), (
                ("255604002", mark("Mild")), ("6736007", mark("Moderate")),
                ("24484000", mark("Severe")),
            ), mark("not said")),
            Field("onset", mark("Since"), hint=_DAY),
            Field("end", mark("Until"), hint=mark("Only for what is no longer active.")),
            _NOTE,
        ),
    ),
    "allergies": Entry(
        "AllergyIntolerance", concepts.ALLERGENS, allergy.fill,
        mark("Add an allergy"), mark("Change an allergy"), mark("To which substance?"),
        (
            Field("category", mark("Kind of substance"), (
                ("medication", mark("Medicine")), ("food", mark("Food")),
                ("environment", mark("Environment")), ("biologic", mark("Biological")),
            ), mark("not said")),
            Field("type", mark("Mechanism"), (
                ("allergy", mark("Allergy")), ("intolerance", mark("Intolerance")),
            ), mark("not said")),
            Field("risk", mark("Risk of a serious reaction"), (
                ("high", mark("High risk")), ("low", mark("Low risk")),
                ("unable-to-assess", mark("Risk not known")),
            ), mark("not said")),
            Field("reaction", mark("What happened")),
            Field("severity", mark("How severe the reaction was"), (
                ("mild", mark("Mild")), ("moderate", mark("Moderate")), ("severe", mark("Severe")),
            ), mark("not said")),
            Field("onset", mark("Since"), hint=_DAY),
            Field("status", mark("State"), (
                ("active", mark("Active")), ("inactive", mark("Inactive")),
                ("resolved", mark("Resolved")),
            ), preset="active"),
            Field("certainty", mark("How certain"), _CERTAIN, preset="confirmed"),
            _NOTE,
        ),
    ),
    "immunizations": Entry(
        "Immunization", concepts.VACCINES, immunization.fill,
        mark("Add an immunization"), mark("Change an immunization"), mark("Which vaccine?"),
        (
            Field("status", mark("State"), (
                ("completed", mark("Given")), ("not-done", mark("Not given")),
                ("entered-in-error", mark("Entered in error")),
            ), preset="completed"),
            Field("when", mark("When"), hint=_DAY),
            Field("lot", mark("Lot number")),
            Field("site", mark("Site"), (
                ("LA", mark("Left arm")), ("RA", mark("Right arm")), ("LT", mark("Left thigh")),
                ("RT", mark("Right thigh")),
            ), mark("not said")),
            Field("route", mark("Route"), (
                ("IM", mark("Intramuscular")), ("SQ", mark("Subcutaneous")),
                ("IDINJ", mark("Intradermal")), ("PO", mark("Oral")), ("NASINHLC", mark("Nasal")),
            ), mark("not said")),
            _NOTE,
        ),
    ),
}  # fmt: skip
TEXTS = (
    mark("Say what it is."),
    mark("Choose one of the list."),
    mark("Write 2000 characters at most."),
    mark("Write a date as 2025-03-01, or the month or year alone; none ahead."),
    mark("What has an end is no longer active; choose its state."),
    mark("The end lies before the begin."),
    mark("Say what happened, to say how severe it was."),
    mark("Say when it was given, or was to be."),
    mark("This is outside of what can be measured; look at the number and its unit."),
    mark("A blood pressure has two values."),
    mark("The lower value is not below the upper one."),
    mark("Write at least one value."),
    mark("Write when it was taken as 2025-03-01T14:30; it does not lie ahead."),
    mark("Somebody else changed this in the meantime; open it again, what you wrote is below."),
    mark("This person is in the team already."),
    mark("This person is not in the team any more."),
    mark("Choose somebody."),
)
VITALS: tuple[tuple[str, str, str], ...] = (
    ("systolic", mark("Blood pressure, upper value"), "mmHg"),
    ("diastolic", mark("Blood pressure, lower value"), "mmHg"),
    ("pulse", mark("Heart rate"), mark("per minute")),
    ("temperature", mark("Temperature"), "°C"),
    ("breaths", mark("Respiratory rate"), mark("per minute")),
    ("oxygen", mark("Oxygen saturation"), "%"),
    ("weight", mark("Weight"), "kg"),
    ("height", mark("Height or length"), "cm"),
    ("head", mark("Head circumference"), "cm"),
)
"""The fields of the form of vital signs: name, label, unit."""
