"""Somebody is refused again and again."""

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
from careplane.words.catalogues import ngettext

NAME = "denials"


def find(material: Material) -> Iterator[Finding]:
    """One a day and person: where so many stand within so short a time."""
    refused: defaultdict[str, dict[int, Access]] = defaultdict(dict)
    for access in material.accesses:
        if access.refused:
            refused[access.agent].setdefault(access.seq, access)
    for accesses in refused.values():
        for day in by_day(material, accesses.values()):
            if _dense(material, day):
                why = ngettext(
                    "%(num)s request was refused.", "%(num)s requests were refused.", len(day)
                )
                yield finding(NAME, day, why, alone=True)


def _dense(material: Material, day: list[Access]) -> bool:
    many, within = material.limits.denials, material.limits.denials_within
    times = sorted(access.at for access in day)
    return any(
        later - first <= within for first, later in zip(times, times[many - 1 :], strict=False)
    )
