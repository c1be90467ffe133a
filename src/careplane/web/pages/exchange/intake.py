"""A referral from another institution: a person says for which patient it is, or refuses it."""

from __future__ import annotations

import base64

from starlette.responses import Response

from careplane.care.orders.catalogue import spoken
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Incorrect, NotFound
from careplane.sharing.exchange.package import Package
from careplane.web.chart.banner import Person, person
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages.exchange.sending import exchange_of
from careplane.web.say import types
from careplane.web.say.dates import say_date, say_time
from careplane.web.visit import Visit, redirect

_MANY = "20"
_STAFF = "100"
_SHOWN = 4_000
PROBLEMS = {
    "who": mark("Choose which patient it is, or that it is a new one."),
    "whom": mark("Choose who goes on with it."),
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
    task, found = await exchange.intake.opened(visit.caller, visit.path("task"))
    who = person({**found.patient, "id": "new"}, visit.today)
    request = found.request
    return visit.render(
        "exchange/intake.html",
        400 if problem else 200,
        task=str(task["id"]),
        sender=types.reference(task.get("requester", {})),
        by=types.reference(request.get("requester", {})),
        when=say_time(str(task.get("authoredOn", ""))),
        what=spoken(types.concept(request.get("code", {})) or str(task.get("description", ""))),
        urgent=request.get("priority") in ("urgent", "asap", "stat"),
        words=[*(types.concept(one) for one in request.get("reasonCode", ())),
               *(str(one.get("text", "")) for one in request.get("note", ()))],
        who=who,
        contacts=[str(one.get("value", "")) for one in found.patient.get("telecom", ())],
        documents=[_document(one) for one in found.documents],
        alike=await _alike(visit, found),
        q=visit.query("q"),
        may_register=visit.may("c", "Patient"),
        may_treat=_may_treat(visit),
        others=await _others(visit),
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


def _may_treat(visit: Visit) -> bool:
    """Whether who takes it in can go on with it."""
    return visit.may("r", "ServiceRequest") and visit.may("u", "Task")


async def _others(visit: Visit) -> list[Person]:
    """Practitioners whom it can be handed to."""
    assert visit.caller is not None
    pairs = [("active:not", "false"), ("_sort", "family"), ("_count", _STAFF)]
    page = await visit.reader.glance("Practitioner", pairs)
    me = visit.caller.id.removeprefix("Practitioner/")
    return [person(tree, visit.today) for tree in page.trees if tree["id"] != me]


async def decide(visit: Visit) -> Response:
    """POST: `do` is take, with `patient` (an id, or `new`) and who goes on with it (`to`, the id of
    a Practitioner; empty: who takes it in), or refuse, with `reason`."""
    exchange = exchange_of(visit)
    assert visit.caller is not None
    if exchange is None:
        raise NotFound("This server exchanges no referrals.")
    sent = await fields(visit.request)
    id, reason = visit.path("task"), sent.get("reason", "")
    try:
        if sent.get("do") == "refuse":
            await exchange.intake.refuse(visit.caller, id, reason)
            return redirect("/referrals")
        patient = sent.get("patient", "")
        if not patient:
            return await _page(visit, "who")
        to = sent.get("to", "")
        if not to and not _may_treat(visit):
            return await _page(visit, "whom")
        chosen = "" if patient == "new" else patient
        taken = await exchange.intake.take(visit.caller, id, chosen, to)
    except Incorrect:
        return await _page(visit, "why", reason)
    except Conflict:
        return await _page(visit, "gone", reason)
    return redirect(f"/referrals/{taken.task}" if await _sees(visit, taken.task) else "/referrals")


async def _sees(visit: Visit, task: str) -> bool:
    """Whether the referral is theirs to see: it may hang on a relation to the patient."""
    page, _ = await visit.reader.attempt("Task", [("_id", task)])
    return bool(page.trees)
