"""Somebody broke the glass: every use is looked at."""

from __future__ import annotations

from collections.abc import Iterator

from careplane.records.audits.anomalies.material import Finding, Material, by_day, finding
from careplane.words.catalogues import mark

NAME = "broken-glass"


def find(material: Material) -> Iterator[Finding]:
    """One a day, person and patient."""
    for accesses in material.by_pair().values():
        for day in by_day(material, (one for one in accesses if one.emergency)):
            yield finding(NAME, day, mark("The glass was broken."))
