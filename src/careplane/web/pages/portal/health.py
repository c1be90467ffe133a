"""My health: allergies, problems, immunizations and what was measured of the body, on one page."""

from __future__ import annotations

from starlette.responses import Response

from careplane.web.chart import lists, plain, results
from careplane.web.pages.portal.documents import row
from careplane.web.pages.portal.own import of
from careplane.web.reader import NOT_ALLOWED
from careplane.web.visit import Visit


async def show(visit: Visit, patient: str) -> Response:
    """GET /my/health."""
    allergies, problems, vaccines, measured, papers = await visit.reader.several(
        ("AllergyIntolerance", of(patient)),
        ("Condition", of(patient)),
        ("Immunization", of(patient)),
        ("Observation", of(patient, ("category", "vital-signs"), ("_sort", "-date"), count=200)),
        ("DocumentReference", of(patient, ("_sort", "-date"), count=20)),
    )
    trends = results.trends(results.readings(measured.trees))
    return visit.render(
        "portal/health.html",
        allergies=lists.current([lists.allergy(tree) for tree in allergies.trees])[0],
        problems=lists.current([lists.problem(tree) for tree in problems.trees]),
        vaccines=lists.newest(map(lists.immunization, vaccines.trees)),
        measured=[plain.told(trend) for trend in trends],
        papers=[row(tree) for tree in papers.trees],
        closed={
            "allergies": allergies is NOT_ALLOWED,
            "problems": problems is NOT_ALLOWED,
            "vaccines": vaccines is NOT_ALLOWED,
        },
    )
