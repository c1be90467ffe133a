"""Referrals to me and what I belong to, and from me; and one of them, with what can be done."""

from __future__ import annotations

import base64
from dataclasses import replace

from starlette.responses import Response

from careplane.care import tasks
from careplane.care.orders import referral as rules
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Incorrect, NotFound
from careplane.web.chart import ordered
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages.chart import frame
from careplane.web.pages.exchange import sending
from careplane.web.pages.people_of import people
from careplane.web.say import types
from careplane.web.say.dates import say_time
from careplane.web.visit import Visit, redirect

TEXTS = (
    mark("Write something, in 20000 characters at most."),
    mark("The referral has gone on since; look at it as it is now."),
)


UNSENT = mark("Not yet sent")


async def listed(visit: Visit) -> Response:
    """GET /referrals?way=out."""
    is_out = visit.query("way") == "out"
    assert visit.caller is not None
    found = await visit.clinic.referrals.listed(visit.caller, incoming=not is_out)
    rows = [_row(visit, task) for task in found]
    waiting = [row for row, task in zip(rows, found, strict=True)
               if task.get("status") in tasks.OPEN]  # fmt: skip
    return visit.render(
        "clinic/referrals.html",
        waiting=waiting,
        past=[row for row in rows if row not in waiting],
        outgoing=is_out,
        incoming=await _incoming(visit) if not is_out else [],
        people=await people(visit, [row.patient for row in rows]),
    )


def _row(visit: Visit, task: Tree) -> ordered.Referral:
    row = ordered.referral(task)
    return replace(row, word=UNSENT) if sending.is_unsent(visit, task) else row


async def _incoming(visit: Visit) -> list[tuple[str, str, str, str]]:
    """What came from other institutions and waits: id, title, sender and when."""
    exchange = sending.exchange_of(visit)
    assert visit.caller is not None
    if exchange is None or visit.caller.patient:
        return []
    return [(str(t["id"]), str(t.get("description", "")), types.reference(t.get("requester", {})),
             say_time(str(t.get("authoredOn", ""))))
            for t in await exchange.intake.waiting(visit.caller)]  # fmt: skip


async def show(visit: Visit) -> Response:
    """GET /referrals/{task}."""
    return await _page(visit)


async def _page(visit: Visit, problem: str = "", sent: dict[str, str] | None = None) -> Response:
    task = (await visit.reader.read("Task", visit.path("task"))).tree
    if tasks.code_of(task) != rules.CODE:
        raise NotFound("This is no referral.")
    task = await sending.brought_up(visit, task)
    assert visit.caller is not None
    patient = str(task.get("for", {}).get("reference", "")).rpartition("/")[2]
    order = str(task.get("focus", {}).get("reference", "")).rpartition("/")[2]
    return visit.render(
        "clinic/referral.html",
        400 if problem else 200,
        **await frame(visit, patient, "orders"),
        row=_row(visit, task),
        order=order,
        notes=[(types.reference(n.get("authorReference", {})) or str(n.get("authorString", "")),
                say_time(str(n.get("time", ""))), str(n.get("text", "")))
               for n in task.get("note", ())],
        reports=await _reports(visit, task),
        steps=await visit.clinic.referrals.steps(visit.caller, task),
        words=ordered.STEPS,
        needs_words=rules.NEEDS_WORDS,
        problem=problem,
        sent=sent or {},
        exchange=await sending.of_referral(visit, task),
    )  # fmt: skip


async def _reports(visit: Visit, task: Tree) -> list[tuple[str, str]]:
    """Reports in its output: reference and, where they are of plain text, what they say."""
    places = [str(o.get("valueReference", {}).get("reference", "")) for o in task.get("output", ())]
    ids = [place[18:] for place in places if place.startswith("DocumentReference/")]
    if not ids:
        return []
    page = await visit.reader.glance("DocumentReference", [("_id", ",".join(ids))])
    return [(f"DocumentReference/{tree['id']}", _text(tree)) for tree in page.trees]


def _text(tree: Tree) -> str:
    for content in tree.get("content", ()):
        attachment = content.get("attachment", {})
        if str(attachment.get("contentType", "")).startswith("text/plain"):
            return base64.b64decode(str(attachment.get("data", ""))).decode("utf-8", "replace")
    return ""


async def step(visit: Visit) -> Response:
    """POST: `do` is a step, with `words`."""
    sent = await fields(visit.request, limit=100_000)
    assert visit.caller is not None
    id = visit.path("task")
    try:
        await visit.clinic.referrals.step(
            visit.caller, id, sent.get("do", ""), sent.get("words", "")
        )
    except (Incorrect, Conflict) as error:
        return await _page(visit, error.text, sent)
    await sending.brought_up(visit, (await visit.reader.read("Task", id)).tree)
    return redirect(f"/referrals/{id}")
