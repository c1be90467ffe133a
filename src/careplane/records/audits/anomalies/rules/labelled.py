"""Somebody without a relation opens the record of a patient who is marked for special care
(VIP)."""

from __future__ import annotations

from collections.abc import Iterator

from careplane.records.audits.anomalies.explained import unrelated
from careplane.records.audits.anomalies.material import Finding, Material, by_day, finding
from careplane.words.catalogues import mark

NAME = "labelled"
_WHY = mark("The record is marked, and no care explains the access.")


def find(material: Material) -> Iterator[Finding]:
    """One a day, person and patient."""
    for (_, patient), accesses in material.by_pair().items():
        if material.person(f"Patient/{patient}").labels & material.limits.labels:
            for day in by_day(material, unrelated(material, accesses)):
                yield finding(NAME, day, _WHY)
