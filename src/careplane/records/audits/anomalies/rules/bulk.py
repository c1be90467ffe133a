"""Somebody opens far more records in a day than they are used to, and than their peers are."""

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
from careplane.words.catalogues import gettext as _

NAME = "bulk"


def find(material: Material) -> Iterator[Finding]:
    """One a day and person."""
    own: defaultdict[str, list[Access]] = defaultdict(list)
    for access in material.accesses:
        if access.patient and not access.refused:
            own[access.agent].append(access)
    for agent, accesses in own.items():
        for day in by_day(material, accesses):
            count = len({access.patient for access in day})
            usual = _usual(material, agent, frozenset(day[0].roles))
            most = max(material.limits.patients_a_day, material.limits.times_usual * usual)
            if count > most:
                why = _(
                    "%(count)s patients in a day; the person or its peers had %(usual)s on a full "
                    "day.",
                    count=count,
                    usual=usual,
                )
                yield finding(NAME, day, why, alone=True)


def _usual(material: Material, agent: str, roles: frozenset[str]) -> int:
    """A full day: the 95th percentile of the days before, of the person or of who has a role in
    common, whichever is more."""
    own = sorted(count for count, _ in material.before.get(agent, ()))
    peers = sorted(
        count
        for other, days in material.before.items()
        for count, theirs in days
        if other != agent and theirs & roles
    )
    return max(_high(own), _high(peers))


def _high(counts: list[int]) -> int:
    return counts[min(len(counts) - 1, len(counts) * 95 // 100)] if counts else 0
