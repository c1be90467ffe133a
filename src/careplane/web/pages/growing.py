"""The chart's tab of growth, for children."""

from __future__ import annotations

from typing import Any

from careplane.web.chart import growth
from careplane.web.reader import NOT_ALLOWED, Page
from careplane.web.visit import Visit

_MANY = 400


async def tab(visit: Visit, patient: str) -> dict[str, Any]:
    """What was measured of a child, against the reference."""
    record = await visit.reader.read("Patient", patient)
    page = await _glance(visit, patient, ",".join(growth.CODES), _MANY)
    births = await _glance(visit, patient, growth.GESTATION, 1)
    observations = [*page.trees, *births.trees]
    return {
        "charts": growth.charts(record.tree, observations, visit.today),
        "width": growth.WIDTH,
        "height": growth.HEIGHT,
        "known_sex": record.tree.get("gender") in ("male", "female"),
        "weeks": growth.born_at(births.trees),
        "hidden": page is NOT_ALLOWED,
        "cut": len(page.records) if page.next else 0,
    }


async def _glance(visit: Visit, patient: str, codes: str, many: int) -> Page:
    return await visit.reader.glance(
        "Observation",
        [("patient", patient), ("code", codes), ("_sort", "-date"), ("_count", str(many))],
    )
