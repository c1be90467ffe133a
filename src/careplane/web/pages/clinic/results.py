"""Results that nobody has acknowledged yet, mine or everybody's, and acknowledging some."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from careplane.care.results import results as service
from careplane.kernel.errors import Incorrect
from careplane.web.chart.awaiting import by_patient
from careplane.web.forms import fields
from careplane.web.pages.awaiting import waiting
from careplane.web.pages.people_of import people
from careplane.web.visit import Visit, local, redirect

SPANS = (7, 30, 90, 365)
_FIELDS = service.MOST + 10
_SHOWN = 60
"""Results of each kind on a page; when these are acknowledged the next ones come."""


async def show(visit: Visit) -> Response:
    """GET /results?whose=all&days=30."""
    return await _list(visit)


async def _list(visit: Visit, problem: str = "", sent: dict[str, str] | None = None) -> Response:
    mine = visit.query("whose") != "all"
    days = int(visit.query("days")) if visit.query("days") in map(str, SPANS) else service.DAYS
    found = await waiting(visit, mine=mine, days=days, most=_SHOWN)
    groups = by_patient(found.rows)
    return visit.render(
        "clinic/results.html",
        400 if problem else 200,
        found=found,
        groups=groups,
        people=await people(visit, [patient for patient, _ in groups]),
        mine=mine,
        days=days,
        spans=SPANS,
        done=visit.query("done"),
        before=visit.query("before"),
        problem=problem,
        sent=sent or {},
    )


async def acknowledge(visit: Visit) -> Response:
    """POST /results: `result:Observation/17` for each, `comment`, `to_patient`, `next`."""
    sent = await fields(visit.request, _FIELDS)
    names = [key[7:] for key in sent if key.startswith("result:")]
    assert visit.caller is not None
    try:
        done = await visit.clinic.results.acknowledge(
            visit.caller, names, sent.get("comment", "").strip(), sent.get("to_patient", "").strip()
        )
    except Incorrect as error:
        return await _list(visit, error.text, sent)
    path, _, asked = local(sent.get("next", "/results")).partition("?")
    counts = urlencode({"done": len(done.now), "before": len(done.before)})
    return redirect(f"{path}?{asked}&{counts}" if asked else f"{path}?{counts}")
