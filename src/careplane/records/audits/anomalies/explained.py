"""What several rules ask: whether two are one person, and whether care explains an access; pure."""

from __future__ import annotations

from collections.abc import Iterable

from careplane.records.audits.anomalies.material import Access, Material, Person


def is_own(staff: Person, patient: Person) -> bool:
    """Whether both are one: they share a family name, a given name and the day of birth."""
    born = bool(staff.born) and staff.born == patient.born
    return born and bool(staff.family & patient.family) and bool(staff.given & patient.given)


def unrelated(material: Material, accesses: Iterable[Access]) -> list[Access]:
    """Those that no relation explains."""
    return [one for one in accesses if not one.emergency and not _related(material, one)]


def _related(material: Material, access: Access) -> bool:
    grace = material.limits.grace
    return any(
        relation.agent == access.agent
        and relation.start - grace <= access.at < relation.end + grace
        for relation in material.relations.get(access.patient, ())
    )
