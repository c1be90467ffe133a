"""`in`, `contains` and `|` (FHIRPath 2.0, 6.4)."""

from __future__ import annotations

from careplane.fhir.fhirpath.items import Collection, single
from careplane.fhir.fhirpath.operators.equality import Known, distinct
from careplane.fhir.fhirpath.scope import Run


def member(run: Run, wanted: Collection, among: Collection) -> bool | None:
    """`wanted in among`."""
    item = single(wanted, "in")
    return None if item is None else item in Known(run, among)


def union(run: Run, left: Collection, right: Collection) -> Collection:
    """Both collections as one, without what is equal to an earlier item."""
    return distinct(run, [*left, *right])
