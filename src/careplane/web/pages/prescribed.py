"""What was prescribed in the last days, for who checks it; warnings gone past come first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from careplane.web.chart import lists
from careplane.web.chart.prescribed import directions
from careplane.web.reader import NOT_ALLOWED
from careplane.web.visit import Visit

DAYS = 7
_MOST = 40


@dataclass(frozen=True, slots=True)
class Row:
    """A prescription; `warned` where somebody went past a warning."""

    id: str
    patient: str
    title: str
    directions: str
    by: str
    when: str
    warned: bool


@dataclass(frozen=True, slots=True)
class Prescribed:
    """Rows, those with warnings first."""

    rows: list[Row]
    hidden: bool = False


async def newest(visit: Visit) -> Prescribed:
    """Active prescriptions of the last days."""
    page = await visit.reader.glance("MedicationRequest", [
        ("authoredon", f"ge{visit.today - timedelta(days=DAYS)}"), ("status", "active"),
        ("intent", "order"), ("_sort", "-authoredon"), ("_count", str(_MOST)),
    ])  # fmt: skip
    rows = []
    for tree in page.trees:
        row = lists.medication(tree)
        patient = str(tree.get("subject", {}).get("reference", ""))
        said = directions(tree)
        warned = bool(tree.get("detectedIssue"))
        rows.append(Row(row.id, patient, row.title, said, row.extra, row.when, warned))
    rows.sort(key=lambda row: not row.warned)
    return Prescribed(rows, page is NOT_ALLOWED)
