"""Somebody opens their own record as a member of the staff."""

from __future__ import annotations

from collections.abc import Iterator

from careplane.records.audits.anomalies.explained import is_own
from careplane.records.audits.anomalies.material import Finding, Material, by_day, finding
from careplane.words.catalogues import mark

NAME = "own-record"


def find(material: Material) -> Iterator[Finding]:
    """One a day and person."""
    for (agent, patient), accesses in material.by_pair().items():
        if is_own(material.person(agent), material.person(f"Patient/{patient}")):
            for day in by_day(material, accesses):
                yield finding(NAME, day, mark("The patient is the person who asked."))
