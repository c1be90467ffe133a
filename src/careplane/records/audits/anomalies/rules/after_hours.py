"""Somebody opens records outside of the hours of their role."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from careplane.records.audits.anomalies.material import (
    Access,
    Finding,
    Material,
    by_day,
    finding,
)
from careplane.words.catalogues import mark

NAME = "after-hours"


def find(material: Material) -> Iterator[Finding]:
    """One a day and person."""
    late: defaultdict[str, list[Access]] = defaultdict(list)
    for access in material.accesses:
        if access.patient and not access.refused and _late(material, access):
            late[access.agent].append(access)
    for accesses in late.values():
        for day in by_day(material, accesses):
            yield finding(NAME, day, mark("Outside of the hours of the role."), alone=True)


def _late(material: Material, access: Access) -> bool:
    """Whoever has a role without hours is never late."""
    hours = [material.limits.hours.get(role) for role in access.roles]
    if not hours or None in hours:
        return False
    hour = material.local(access.at).hour
    return not any(_within(hour, *one) for one in hours if one)


def _within(hour: int, begins: int, ends: int) -> bool:
    """Hours may go over midnight: 22-6."""
    if begins <= ends:
        return begins <= hour < ends
    return hour >= begins or hour < ends
