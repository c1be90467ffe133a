"""What stands against a prescription, in words of the page's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from careplane.care.prescribing.checks.port import Finding, Kind
from careplane.words.catalogues import gettext as _
from careplane.words.catalogues import mark

KINDS = {
    Kind.ALLERGY: mark("Allergy"),
    Kind.DUPLICATE: mark("Duplicate therapy"),
    Kind.INTERACTION: mark("Interaction"),
    Kind.DOSE: mark("Dose"),
}
SEVERITIES = {
    "high": mark("Serious"),
    "moderate": mark("Moderate"),
    "low": mark("For your information"),
}
SENTENCES = (
    mark("The patient is recorded as allergic to this: %(allergy)s."),
    mark(
        "The patient is recorded as allergic: %(allergy)s. This medicine is of that group: "
        "%(group)s."
    ),
    mark(
        "The patient is recorded as allergic: %(allergy)s. Those who are may react to this group, "
        "too: %(group)s."
    ),
    mark("The patient already takes this: %(medicine)s."),
    mark("The patient already takes a medicine of the same group (%(group)s): %(medicine)s."),
    mark("Acts together with %(medicine)s: %(effect)s"),
    mark("%(dose)s at once are unusually many. Is this what you mean?"),
    mark("%(count)s times a day is unusually often. Is this what you mean?"),
)  # fmt: skip
"""What the checks that ship say, for the catalogues."""
SOURCES = {"record": mark("From this record"), "built-in": mark("From the built-in list")}
OVERRIDES = (
    mark("The benefit outweighs the risk"),
    mark("Tolerated before"),
    mark("Will be monitored"),
    mark("The record is out of date"),
    mark("Agreed with a specialist"),
)


@dataclass(frozen=True, slots=True)
class Warned:
    """One finding. `field` is the name of the field for the reason; empty where none is needed."""

    kind: str
    severity: str
    word: str
    text: str
    source: str
    href: str
    field: str


def warned(findings: Sequence[Finding]) -> list[Warned]:
    """Each finding as the page shows it."""
    return [
        Warned(
            kind=_(KINDS[one.kind]),
            severity=one.severity,
            word=_(SEVERITIES.get(one.severity, one.severity)),
            text=_(one.says, **one.facts),
            source=_(SOURCES[one.source]) if one.source in SOURCES else one.source,
            href="" if one.source in SOURCES else f"/records/{one.source}",
            field=f"why-{one.key}" if one.needs_reason else "",
        )
        for one in findings
    ]
