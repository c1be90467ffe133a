"""The page of a note: its text, its addenda, and whether its signature holds."""

from __future__ import annotations

import base64
from typing import Any

from starlette.responses import JSONResponse, Response

from careplane.access.fresh import is_person
from careplane.care.notes.note import is_by
from careplane.care.notes.notes import Standing
from careplane.care.notes.signing import canonical
from careplane.care.provenance import reason_of
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Incorrect, NotFound, Precondition, Unproven
from careplane.web.chart import notes as rows
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages import chart, writing
from careplane.web.pages.filed import encounter_said, names_of
from careplane.web.pages.notes import asked
from careplane.web.pages.people.guard import to_confirm
from careplane.web.say.dates import say_time
from careplane.web.say.problems import Problem, Problems
from careplane.web.security import HEADERS, PRIVATE
from careplane.web.visit import Visit, redirect

_MANY = 50


async def show(visit: Visit) -> Response:
    """GET /patients/{id}/notes/{note}; one's own draft opens beside the chart."""
    patient, id = visit.path("id"), visit.path("note")
    tree = await writing.read(visit, patient, id)
    if writing.is_mine_to_write(visit, tree):
        return redirect(f"/patients/{patient}?workspace=note/{id}")
    return await chart.shown(visit, "documents", _read, "note")


async def _read(visit: Visit, patient: str) -> dict[str, Any]:
    tree = await writing.read(visit, patient, visit.path("note"))
    pairs = [("related-ref", f"Composition/{tree['id']}"), ("_sort", "date")]
    found = await visit.reader.glance("Composition", [*pairs, ("_count", str(_MANY))])
    added = [one for one in found.trees if one.get("status") != "preliminary"]
    names = await names_of(visit, [tree, *added])
    note = await _one(visit, tree, names)
    return {
        **note,
        "addenda": [await _one(visit, one, names) for one in added],
        "encounter": await encounter_said(visit, note["note"].encounter),
        "adds": _may_add(visit, tree),
        "withdraws": note["note"].mine and not note["note"].draft and not note["note"].wrong,
        "signed": visit.query("signed") == "1",
        **await asked.of_note(visit, tree, note["cosigns"]),
        "sent": {},
        "problems": {},
    }


async def _one(visit: Visit, tree: Tree, names: dict[str, str]) -> dict[str, Any]:
    """A note with what is to be said of its signature."""
    assert visit.caller is not None
    note = rows.shown(tree, visit.caller.id, names)
    standing: Standing | None = None
    if note.ours and not note.draft:
        standing = await writing.notes_of(visit).standing(visit.caller, tree)
    signed = standing.signed if standing else None
    return {
        "note": note,
        "verdict": standing.verdict if standing else "",
        "key": signed.key if signed else "",
        "at": say_time(signed.at) if signed else "",
        "of": signed.version if signed else 0,
        "also": [(s.name or s.who, say_time(s.at)) for s in standing.also] if standing else [],
        "cosigns": _may_cosign(visit, tree, standing),
        "reason": await _reason(visit, note.id) if note.wrong else "",
    }


def _may_cosign(visit: Visit, tree: Tree, standing: Standing | None) -> bool:
    caller = visit.caller
    if standing is None or standing.verdict != "holds" or caller is None or caller.patient:
        return False
    mine = is_by(tree, caller.id) or any(one.who == caller.id for one in standing.also)
    stands = tree.get("status") in ("final", "amended")
    may = visit.may("u", "Composition") and not caller.roles & writing.notes_of(visit).needing
    return stands and not mine and is_person(caller) and may


async def cosign(visit: Visit) -> Response:
    """POST .../cosign, with `do`: sign (or nothing), refuse with `reason`, or ask `cosigner` with
    `words`."""
    assert visit.caller is not None
    patient, id = visit.path("id"), visit.path("note")
    await writing.read(visit, patient, id)
    sent = await fields(visit.request)
    try:
        await asked.done(visit, id, sent)
    except Unproven:
        return to_confirm(f"/patients/{patient}/notes/{id}")
    except (Incorrect, Conflict) as error:
        problems: Problems = {asked.field(sent): asked.problem(error, sent)}
        status = 409 if isinstance(error, Conflict) else 400
        return await chart.shown(
            visit, "documents", _read, "note", status, sent=sent, problems=problems
        )
    return redirect(f"/patients/{patient}/notes/{id}")


async def _reason(visit: Visit, id: str) -> str:
    page = await visit.reader.glance("Provenance", [("target", f"Composition/{id}")])
    return next(filter(None, map(reason_of, page.trees)), "")


def _may_add(visit: Visit, tree: Tree) -> bool:
    stands = tree.get("status") in ("final", "amended")
    writes = visit.caller is not None and not visit.caller.patient and visit.may("c", "Composition")
    return stands and writes and visit.web.notes is not None


async def withdraw(visit: Visit) -> Response:
    """POST .../withdraw, with `reason` and the `version` that was seen."""
    assert visit.caller is not None
    patient, id = visit.path("id"), visit.path("note")
    await writing.read(visit, patient, id)
    sent = await fields(visit.request)
    version = int(sent["version"]) if sent.get("version", "").isdecimal() else 0
    try:
        await writing.notes_of(visit).withdraw(visit.caller, id, version, sent.get("reason", ""))
    except Incorrect:
        problem, status = Problem(mark("Say why, in a sentence.")), 400
    except Precondition:
        problem, status = Problem(mark("The note has changed since you opened it; see below.")), 409
    else:
        return redirect(f"/patients/{patient}/notes/{id}")
    problems: Problems = {"reason": problem}
    return await chart.shown(
        visit, "documents", _read, "note", status, sent=sent, problems=problems
    )


async def signature(visit: Visit) -> Response:
    """GET .../signature: what was signed, the signature and the key, to verify it elsewhere."""
    assert visit.caller is not None
    notes = writing.notes_of(visit)
    tree = await writing.read(visit, visit.path("id"), visit.path("note"))
    signed = (await notes.standing(visit.caller, tree)).signed
    if signed is None:
        raise NotFound("The note has no signature.")
    payload = canonical(await notes.signed_version(visit.caller, visit.path("note"), signed))
    values = {
        "payload": base64.b64encode(payload).decode(),
        "jws": signed.jws,
        "jwk": notes.signer.jwk(visit.caller.tenant),
    }
    return JSONResponse(values, headers=HEADERS | PRIVATE)
