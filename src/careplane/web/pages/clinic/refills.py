"""Refills: a patient asks from the list of medicines, and who prescribes answers."""

from __future__ import annotations

import dataclasses

from starlette.responses import Response

from careplane.care import tasks
from careplane.care.prescribing import prescription, refill
from careplane.care.prescribing.prescribing import Replaced, Unanswered
from careplane.care.prescribing.prescription import IN_USE
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Incorrect, NotFound
from careplane.web.chart import lists
from careplane.web.forms import fields
from careplane.web.pages.chart import frame
from careplane.web.say import types
from careplane.web.say.dates import say_time
from careplane.web.say.sig import sig
from careplane.web.visit import Visit, redirect


async def ask(visit: Visit) -> Response:
    """POST /patients/{id}/medications/{request}/refill, with `words`."""
    sent = await fields(visit.request)
    assert visit.caller is not None
    words = sent.get("words", "")
    await visit.clinic.refills.ask(visit.caller, visit.path("request"), words)
    return redirect(f"/patients/{visit.path('id')}/medications?asked=1")


async def show(visit: Visit) -> Response:
    """GET /refills/{task}."""
    return await _page(visit)


async def _page(visit: Visit, problem: str = "", sent: dict[str, str] | None = None) -> Response:
    task, request = await _read(visit)
    patient = str(request["subject"]["reference"]).rpartition("/")[2]
    supply = request.get("dispenseRequest", {})
    return visit.render(
        "clinic/refill.html",
        400 if problem else 200,
        **await frame(visit, patient, "medications"),
        task=task,
        row=lists.medication(request),
        directions=[sig(one) for one in request.get("dosageInstruction", ())],
        quantity=types.quantity(supply.get("quantity", {})),
        asked_by=types.reference(task.get("requester", {})),
        asked_on=say_time(str(task.get("authoredOn", ""))),
        words=[str(note.get("text", "")) for note in task.get("note", ())],
        open=task.get("status") in tasks.OPEN,
        answer=types.concept(task.get("statusReason", {})),
        may_answer=visit.may("c", "MedicationRequest") and visit.may("u", "Task"),
        problem=problem,
        sent=sent or {},
    )


async def _read(visit: Visit) -> tuple[Tree, Tree]:
    task = (await visit.reader.read("Task", visit.path("task"))).tree
    if tasks.code_of(task) != refill.CODE:
        raise NotFound("This asks for no refill.")
    focus = str(task.get("focus", {}).get("reference", "")).rpartition("/")[2]
    return task, (await visit.reader.read("MedicationRequest", focus)).tree


async def answer(visit: Visit) -> Response:
    """POST /refills/{task}: `do` is `approve` or `decline`, with `words`."""
    sent = await fields(visit.request)
    assert visit.caller is not None
    id = visit.path("task")
    try:
        if sent.get("do") == "decline":
            await visit.clinic.refills.decline(visit.caller, id, sent.get("words", ""))
        elif sent.get("do") == "approve":
            return await _approve(visit, id)
        else:
            raise Incorrect("Approve it, or decline it.")
    except (Incorrect, Conflict) as error:
        return await _page(visit, error.text, sent)
    return redirect(f"/refills/{id}")


async def _approve(visit: Visit, task: str) -> Response:
    """As it was before; where something stands against it, by way of the form."""
    assert visit.caller is not None
    _, old = await _read(visit)
    asked = dataclasses.replace(prescription.again(old), note="")
    status = "completed" if old.get("status") in IN_USE else ""
    prior = Replaced(old["id"], int(old["meta"]["versionId"]), status)
    try:
        await visit.clinic.prescribing.prescribe(visit.caller, asked, {}, prior, task)
    except Unanswered:
        how = "renew" if status else "again"
        to = f"/patients/{asked.patient}/prescribe?from={old['id']}&how={how}&refill={task}"
        return redirect(to)
    return redirect(f"/refills/{task}")
