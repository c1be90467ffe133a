"""Something is wrong in my record: say so, and see what became of it."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from careplane.care.corrections.corrections import CODE, LONGEST
from careplane.care.tasks import CODES
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect, NotFound, TooMany
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages.portal.own import may_act, of, portal_of
from careplane.web.visit import Visit, redirect

_STANDS = {
    "requested": mark("Sent"),
    "received": mark("Received"),
    "accepted": mark("Being looked at"),
    "ready": mark("Being looked at"),
    "in-progress": mark("Being looked at"),
    "on-hold": mark("Being looked at"),
    "completed": mark("Corrected"),
    "rejected": mark("Not changed"),
    "failed": mark("Not changed"),
    "cancelled": mark("Withdrawn"),
}


async def show(visit: Visit, patient: str) -> Response:
    """GET /my/corrections."""
    return await _page(visit, patient, {"about": visit.query("about")}, "")


async def ask(visit: Visit, patient: str) -> Response:
    """POST /my/corrections, with `text` and perhaps `about`."""
    assert visit.caller is not None
    sent = await fields(visit.request)
    try:
        await portal_of(visit).corrections.ask(
            visit.caller, sent.get("text", ""), sent.get("about", "")
        )
    except (Incorrect, NotFound, TooMany) as refused:
        return await _page(visit, patient, sent, refused.text)
    return redirect("/my/corrections?said=sent")


async def _page(visit: Visit, patient: str, sent: dict[str, str], problem: str) -> Response:
    found = await visit.reader.glance("Task", of(patient, ("code", f"{CODES}|{CODE}"), count=50))
    rows = sorted(map(_row, found.trees), key=lambda row: str(row["when"]), reverse=True)
    return visit.render(
        "portal/corrections.html",
        400 if problem else 200,
        rows=rows,
        text=sent.get("text", ""),
        about=sent.get("about", ""),
        problem=problem,
        longest=LONGEST,
        can=may_act(visit),
        said=visit.query("said"),
    )


def _row(tree: Tree) -> dict[str, Any]:
    reason = str(tree.get("statusReason", {}).get("text", ""))
    return {
        "text": str(tree.get("description", "")),
        "when": str(tree.get("authoredOn", "")),
        "stands": _STANDS.get(str(tree.get("status", "")), ""),
        "until": str(tree.get("restriction", {}).get("period", {}).get("end", "")),
        "open": tree.get("status") not in ("completed", "rejected", "failed", "cancelled"),
        "answer": [one for one in (reason, *(str(n.get("text", "")) for n in tree.get("note", ())))
                   if one],
    }  # fmt: skip
