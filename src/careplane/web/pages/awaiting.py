"""Results that ask to be acknowledged, read for a page: of the home, the chart, or their own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from careplane.care.results import results as service
from careplane.fhir.tree import Tree
from careplane.web.chart.awaiting import Item, items, parts_of
from careplane.web.visit import Visit

_PARTS = 100
_MOST_PARTS = 600


@dataclass(frozen=True, slots=True)
class Waiting:
    """Rows, the gravest first; `more` where there are more than are shown; `hidden` where results
    are not for the caller."""

    rows: list[Item]
    more: bool = False
    hidden: bool = False


async def waiting(
    visit: Visit, *, mine: bool, patient: str = "", days: int = service.DAYS, most: int = 100
) -> Waiting:
    """What asks; nothing where the caller may not see results or acknowledge them."""
    if visit.web.clinic is None or not visit.may("c", "Task") or not may_see(visit):
        return Waiting([], hidden=True)
    assert visit.caller is not None
    since = visit.today - timedelta(days=days)
    found = await visit.clinic.results.waiting(
        visit.caller, since, mine=mine, patient=patient, most=most
    )
    parts = await _parts(visit, list(found.reports))
    return Waiting(items(found.reports, found.observations, parts), found.more)


def may_see(visit: Visit) -> bool:
    """Whether results are for the caller, and it is theirs to acknowledge them."""
    return visit.caller is not None and visit.caller.patient is None and visit.offers("Observation")


async def _parts(visit: Visit, reports: list[Tree]) -> dict[str, Tree]:
    ids = parts_of(reports)[:_MOST_PARTS]
    pages = await asyncio.gather(*(
        visit.reader.glance("Observation", [
            ("_id", ",".join(ids[at : at + _PARTS])), ("_count", str(_PARTS)),
        ])
        for at in range(0, len(ids), _PARTS)
    ))  # fmt: skip
    return {tree["id"]: tree for page in pages for tree in page.trees}
