"""A referral from another institution: a person says for which patient it is, or refuses it."""

from __future__ import annotations

import base64

from starlette.responses import Response

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Incorrect, NotFound
from careplane.sharing.exchange.package import Package
from careplane.web.chart.banner import person
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages.exchange.sending import exchange_of
from careplane.web.say import types
from careplane.web.say.dates import say_date, say_time
from careplane.web.visit import Visit, redirect

_MANY = "20"
_SHOWN = 4_000
PROBLEMS = {
    "who": mark("Choose which patient it is, or that it is a new one."),
    "why": mark("Say why it is refused, in 500 characters at most."),
    "gone": mark("This referral was taken in or refused meanwhile."),
}


async def show(visit: Visit) -> Response:
    """GET /intake/{task}; `q` looks for the patient by name."""
    return await _page(visit)


async def _page(visit: Visit, problem: str = "", reason: str = "") -> Response:
    exchange = exchange_of(visit)
    if exchange is None or visit.caller is None:
        raise NotFound("This server exchanges no referrals.")
    task, found = await exchange.opened(visit.caller, visit.path("task"))
    who = person({**found.patient, "id": "new"}, visit.today)
    request = found.request
    return visit.render(
        "exchange/intake.html",
        400 if problem else 200,
        task=str(task["id"]),
        sender=types.reference(task.get("requester", {})),
        by=types.reference(request.get("requester", {})),
        when=say_time(str(task.get("authoredOn", ""))),
        what=types.concept(request.get("code", {})) or str(task.get("description", "")),
        urgent=request.get("priority") in ("urgent", "asap", "stat"),
        words=[*(types.concept(one) for one in request.get("reasonCode", ())),
               *(str(one.get("text", "")) for one in request.get("note", ()))],
        who=who,
        contacts=[str(one.get("value", "")) for one in found.patient.get("telecom", ())],
        documents=[_document(one) for one in found.documents],
        alike=await _alike(visit, found),
        q=visit.query("q"),
        may_register=visit.may("c", "Patient"),
        problem=PROBLEMS.get(problem, ""),
        reason=reason,
    )  # fmt: skip


def _document(tree: Tree) -> tuple[str, str, str]:
    """Title, day, and the beginning of what it says where that is text."""
    title = str(tree.get("description", "")) or types.concept(tree.get("type", {}))
    text = ""
    for one in tree.get("content", ()):
        attachment = one.get("attachment", {})
        if str(attachment.get("contentType", "")).startswith("text/plain"):
            raw = base64.b64decode(str(attachment.get("data", "")))
            text = raw.decode("utf-8", "replace")[:_SHOWN]
    return title, say_date(str(tree.get("date", ""))), text


async def _alike(visit: Visit, found: Package) -> list[object]:
    """Patients here who may be the one, by the day of birth, or by what was typed."""
    text = visit.query("q").strip()
    born = str(found.patient.get("birthDate", ""))
    if text:
        pairs = [("name", text)]
    elif born:
        pairs = [("birthdate", born)]
    else:
        return []
    page, _ = await visit.reader.attempt(
        "Patient", [*pairs, ("_sort", "family"), ("_count", _MANY)]
    )
    return [person(tree, visit.today) for tree in page.trees]


async def decide(visit: Visit) -> Response:
    """POST: `do` is take, with `patient` (an id, or `new`), or refuse, with `reason`."""
    exchange = exchange_of(visit)
    assert visit.caller is not None
    if exchange is None:
        raise NotFound("This server exchanges no referrals.")
    sent = await fields(visit.request)
    id, reason = visit.path("task"), sent.get("reason", "")
    try:
        if sent.get("do") == "refuse":
            await exchange.refuse(visit.caller, id, reason)
            return redirect("/referrals")
        patient = sent.get("patient", "")
        if not patient:
            return await _page(visit, "who")
        await exchange.take(visit.caller, id, "" if patient == "new" else patient)
    except Incorrect:
        return await _page(visit, "why", reason)
    except Conflict:
        return await _page(visit, "gone", reason)
    return redirect(f"/referrals/{id}")
