"""Accesses that somebody should look at, and what becomes of them: for auditors."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs

from starlette.responses import Response

from careplane.access.scopes import Permission
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Forbidden, TooLarge
from careplane.records.audits.anomalies.material import Finding
from careplane.records.audits.anomalies.review import Review, Verdict
from careplane.records.commands import Note
from careplane.web.i18n import mark
from careplane.web.pages.access import names_of
from careplane.web.visit import Audits, Visit, redirect

_DAYS = {"1": 1, "7": 7, "30": 30}
_FORM_BYTES = 4_000
_VERDICTS = {
    Verdict.SEEN: mark("Somebody is at it"),
    Verdict.EXPLAINED: mark("There was a good reason"),
    Verdict.ESCALATED: mark("Passed on"),
}
_TITLES = {
    "own-record": mark("Own record"),
    "same-name": mark("Same family name"),
    "same-address": mark("Same street"),
    "labelled": mark("Marked record"),
    "closed-record": mark("Closed record"),
    "broken-glass": mark("Broken glass"),
    "denials": mark("Refused again and again"),
    "bulk": mark("Many records"),
    "after-hours": mark("After hours"),
    "no-relation": mark("No part in the care"),
}


async def show(visit: Visit) -> Response:
    """GET /audit: what the rules find of the last days, and the reviews of it."""
    audits = _audits(visit)
    assert visit.caller is not None
    tenant = visit.caller.tenant
    days = _DAYS.get(visit.query("days"), 7)
    now = visit.web.clock()
    since = now - int(timedelta(days=days).total_seconds()) * 1_000_000
    await _note(visit, "audit-anomalies", f"{days}d")
    found = await audits.looking(tenant).look(since, now)
    reviews = await audits.reviews(tenant).all()
    agents = sorted({one.agent for one in found})
    return visit.render(
        "pages/anomalies.html",
        rows=[_row(one, reviews.get(one.key)) for one in found],
        names=await names_of(visit, agents),
        titles=_TITLES,
        days=days,
        choices=list(_DAYS),
        verdicts=_VERDICTS,
    )


async def review(visit: Visit) -> Response:
    """POST /audit: say what becomes of a finding."""
    audits = _audits(visit)
    assert visit.caller is not None
    body = b""
    async for chunk in visit.request.stream():
        body += chunk
        if len(body) > _FORM_BYTES:
            raise TooLarge("The form is too long.")
    form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    key, verdict = form.get("key", ""), form.get("verdict", "")
    reviews = audits.reviews(visit.caller.tenant)
    await reviews.give(key, verdict, visit.caller.id, form.get("note", ""))
    await _note(visit, "audit-review", f"{key} {verdict}")
    return redirect(f"/audit?days={_DAYS.get(form.get('days', ''), 7)}")


def _audits(visit: Visit) -> Audits:
    """Who sees the whole trail by scopes and by policies sees what is drawn from it, and nobody
    else: a patient, who sees their own, does not."""
    audits, caller = visit.web.audits, visit.caller
    if audits is None or caller is None or not audits.sees_all(caller, Permission.SEARCH):
        raise Forbidden("This page is for those who may see the whole audit trail.")
    return audits


async def _note(visit: Visit, operation: str, text: str) -> None:
    assert visit.caller is not None
    await visit.web.door.note(visit.caller, Note(operation, text))


def _row(one: Finding, review: Review | None) -> dict[str, object]:
    return {
        "finding": one,
        "first": format_instant(one.first),
        "last": format_instant(one.last),
        "review": review,
        "at": format_instant(review.at) if review else "",
    }
