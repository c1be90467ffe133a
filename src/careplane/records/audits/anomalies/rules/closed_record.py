"""Somebody opens the record of a patient who died, or left, long ago."""

from __future__ import annotations

from collections.abc import Iterator

from careplane.records.audits.anomalies.explained import unrelated
from careplane.records.audits.anomalies.material import (
    Finding,
    Material,
    Person,
    by_day,
    finding,
)
from careplane.words.catalogues import mark

NAME = "closed-record"


def find(material: Material) -> Iterator[Finding]:
    """One a day, person and patient."""
    for (_, patient), accesses in material.by_pair().items():
        known = material.person(f"Patient/{patient}")
        for day in by_day(material, unrelated(material, accesses)):
            why = _why(material, known, day[0].at)
            if why:
                yield finding(NAME, day, why)


def _why(material: Material, patient: Person, at: int) -> str:
    if patient.died is not None and at - patient.died > material.limits.dead_for:
        return mark("The patient died long ago.")
    if patient.left is not None and at - patient.left > material.limits.gone_for:
        return mark("The patient left long ago.")
    return ""
