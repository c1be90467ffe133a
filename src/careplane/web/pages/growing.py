"""The chart's tab of growth, for children."""

from __future__ import annotations

from typing import Any

from careplane.care.growth import reference
from careplane.web.chart import growth
from careplane.web.reader import NOT_ALLOWED
from careplane.web.visit import Visit

_MANY = 400


async def tab(visit: Visit, patient: str) -> dict[str, Any]:
    """Height, weight and BMI of a child against the reference."""
    record = await visit.reader.read("Patient", patient)
    codes = ",".join((*growth.CODES, *growth.HEAD))
    page = await visit.reader.glance(
        "Observation",
        [("patient", patient), ("code", codes), ("_sort", "-date"), ("_count", str(_MANY))],
    )
    return {
        "charts": growth.charts(record.tree, page.trees, visit.today),
        "width": growth.WIDTH,
        "height": growth.HEIGHT,
        "known_sex": record.tree.get("gender") in ("male", "female"),
        "percentiles": reference.PERCENTILES,
        "hidden": page is NOT_ALLOWED,
        "cut": len(page.records) if page.next else 0,
    }
