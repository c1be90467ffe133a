"""Somebody opens the record of a patient who lives at their own address, or a few doors away."""

from __future__ import annotations

from collections.abc import Iterator

from careplane.records.audits.anomalies.explained import is_own
from careplane.records.audits.anomalies.material import Finding, Material, by_day, finding
from careplane.words.catalogues import mark

NAME = "same-address"


def find(material: Material) -> Iterator[Finding]:
    """One a day, person and patient. Addresses are postal code and street, without the number."""
    for (agent, patient), accesses in material.by_pair().items():
        staff, other = material.person(agent), material.person(f"Patient/{patient}")
        if staff.address & other.address and not is_own(staff, other):
            for day in by_day(material, accesses):
                yield finding(NAME, day, mark("The patient lives in the same street."))
