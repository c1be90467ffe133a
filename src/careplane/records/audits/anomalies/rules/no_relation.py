"""Somebody opens the record of a patient in whose care they take no part.

The care team, the encounters and appointments, and the ward that a person works on are a relation;
so is breaking the glass, which is a rule of its own."""

from __future__ import annotations

from collections.abc import Iterator

from careplane.records.audits.anomalies.explained import unrelated
from careplane.records.audits.anomalies.material import Finding, Material, by_day, finding
from careplane.words.catalogues import mark

NAME = "no-relation"


def find(material: Material) -> Iterator[Finding]:
    """One a day, person and patient, for those whose work begins with a relation."""
    for accesses in material.by_pair().values():
        for day in by_day(material, unrelated(material, accesses)):
            yield finding(NAME, day, mark("No care team, encounter or appointment explains it."))
