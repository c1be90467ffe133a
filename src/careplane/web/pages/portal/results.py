"""Results of tests in plain words: the list by groups, one test with its trend, one report."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from careplane.fhir.tree import Tree
from careplane.kernel.errors import NotFound
from careplane.web.chart import plain, results, said
from careplane.web.pages.access import names_of
from careplane.web.pages.portal import attachments
from careplane.web.pages.portal.own import MANY, is_id, of, references
from careplane.web.reader import NOT_ALLOWED, Page
from careplane.web.say import types
from careplane.web.say.analytes import PLAIN
from careplane.web.visit import Visit

CATEGORIES = "laboratory,imaging,procedure,exam"
"""Categories of Observations that are results of tests; `/my/health` has those of the body."""
_ALL = 1000


async def show(visit: Visit, patient: str) -> Response:
    """GET /my/results."""
    found, reports = await visit.reader.several(
        ("Observation", of(patient, ("category", CATEGORIES), ("_sort", "-date"))),
        ("DiagnosticReport", of(patient, ("_sort", "-date"), count=30)),
    )
    tests = await told(visit, results.trends(results.readings(found.trees)))
    return visit.render(
        "portal/results.html",
        groups=plain.grouped(tests),
        newest=sorted(tests, key=lambda test: test.when, reverse=True)[:1],
        reports=[report(tree) for tree in reports.trees],
        hidden=found is NOT_ALLOWED,
        cut=len(found.records) if found.next else 0,
    )


async def test(visit: Visit, patient: str) -> Response:
    """GET /my/results/{code}: one test with all its values. Raises NotFound."""
    code = visit.path("code")
    found, (tasks, letters, reports) = await asyncio.gather(
        visit.reader.glance(
            "Observation", of(patient, ("code", code), ("_sort", "-date"), count=_ALL)
        ),
        _around(visit, patient),
    )
    trends = results.trends(results.readings(found.trees))
    if not trends:
        raise NotFound("You have no result of this test.")
    (found_test,) = await told(visit, trends[:1])
    ids = {f"Observation/{one.id}" for one in found_test.trend.readings[:5]}
    within = [tree for tree in reports.trees if ids & set(references(tree, "result"))]
    about = ids | {f"DiagnosticReport/{tree['id']}" for tree in within}
    return visit.render(
        "portal/result.html",
        test=found_test,
        reports=[report(tree) for tree in within[:3]],
        remarks=await _remarks(visit, tasks, letters, about),
    )


async def one_report(visit: Visit, patient: str) -> Response:
    """GET /my/reports/{id}: what it concludes, its results, and its files."""
    record, (tasks, letters, _) = await asyncio.gather(
        visit.reader.read("DiagnosticReport", visit.path("id")), _around(visit, patient)
    )
    ids = [r.partition("/")[2] for r in references(record.tree, "result")]
    wanted = ",".join(id for id in ids[:100] if is_id(id))
    page = Page(())
    if wanted:
        page = await visit.reader.glance("Observation", [("_id", wanted), ("_count", "100")])
    order = {id: place for place, id in enumerate(ids)}
    trees = sorted(page.trees, key=lambda tree: order.get(str(tree["id"]), len(order)))
    rows = [row for tree in trees if (row := results.reading(tree))]
    tests = await told(visit, [results.Trend(row.key, row.name, (row,)) for row in rows])
    about = {f"DiagnosticReport/{record.id}", *references(record.tree, "result")}
    return visit.render(
        "portal/report.html",
        report=report(record.tree),
        tests=tests,
        conclusion=str(record.tree.get("conclusion", "")),
        files=attachments.rows(f"/my/reports/{record.id}", attachments.of_report(record.tree)),
        remarks=await _remarks(visit, tasks, letters, about),
    )


async def told(visit: Visit, trends: Sequence[results.Trend]) -> list[plain.Told]:
    """Trends in plain words, tests that our table does not have by their names for patients."""
    unknown = [one.key for one in trends if one.key and one.key not in PLAIN]
    names = await visit.web.portal.names(unknown) if unknown and visit.web.portal else {}
    return [plain.told(one, names) for one in trends]


def report(tree: Tree) -> dict[str, Any]:
    """A DiagnosticReport as a line of a list."""
    return {
        "id": str(tree.get("id", "")),
        "title": types.concept(tree.get("code", {})),
        "when": str(tree.get("effectiveDateTime") or tree.get("issued", "")),
        "early": tree.get("status") in ("registered", "partial", "preliminary"),
        "changed": tree.get("status") in ("amended", "corrected", "appended"),
        "void": tree.get("status") in ("cancelled", "entered-in-error"),
        "by": ", ".join(types.reference(one) for one in tree.get("performer", ())
                        if "display" in one),
    }  # fmt: skip


async def _around(visit: Visit, patient: str) -> list[Page]:
    """What may say more: acknowledgements, letters about results, reports."""
    coded = ("code", f"{said.SYSTEM}|{said.ACKNOWLEDGE}")
    return await visit.reader.several(
        ("Task", of(patient, coded, count=100)),
        ("Communication", of(patient, ("_sort", "-sent"), count=100)),
        ("DiagnosticReport", of(patient, ("_sort", "-date"), count=MANY)),
    )


async def _remarks(
    visit: Visit, tasks: Page, letters: Page, about: set[str]
) -> list[tuple[str, said.Remark]]:
    """What was said of any of these: the name of who said it, and the remark."""
    found = said.remarks(tasks.trees, letters.trees)
    rows = list(dict.fromkeys(remark for one in sorted(about) for remark in found.get(one, ())))
    names = await names_of(visit, [row.who for row in rows])
    rows.sort(key=lambda remark: remark.when, reverse=True)
    return [(names.get(row.who, "" if "/" in row.who else row.who), row) for row in rows]
