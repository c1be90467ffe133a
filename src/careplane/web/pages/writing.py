"""The workspace beside a chart, or beside a video: one draft of whoever writes it."""

from __future__ import annotations

import re
from typing import Any

from careplane.care.notes.cosigning import Cosigning
from careplane.care.notes.note import LONGEST, TITLE, is_by, is_draft, is_ours
from careplane.care.notes.notes import Notes
from careplane.fhir.lines import named
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, NotFound, Unsupported
from careplane.web.chart import notes as rows
from careplane.web.say.problems import Problems
from careplane.web.visit import Visit

_MANY = "200"
_NOTE = re.compile(r"note/([A-Za-z0-9.-]{1,64})")


def notes_of(visit: Visit) -> Notes:
    """Raises Unsupported where this server keeps none."""
    if visit.web.notes is None:
        raise Unsupported("This server keeps no notes.")
    return visit.web.notes


def cosigning_of(visit: Visit) -> Cosigning:
    """Raises Unsupported where this server keeps no notes."""
    return Cosigning(notes_of(visit))


async def colleagues(visit: Visit) -> list[tuple[str, str]]:
    """Who can be asked to co-sign, as pairs of reference and name."""
    assert visit.caller is not None
    found = await visit.reader.glance("Practitioner", [("_sort", "family"), ("_count", _MANY)])
    everybody = [(f"Practitioner/{one['id']}", named(one))
                 for one in found.trees if one.get("active", True)]  # fmt: skip
    return [one for one in everybody if one[0] != visit.caller.id]


async def read(visit: Visit, patient: str, id: str) -> Tree:
    """A note of this patient. Raises NotFound."""
    tree = (await visit.reader.read("Composition", id)).tree
    if tree.get("subject", {}).get("reference") != f"Patient/{patient}":
        raise NotFound("This patient has no such note.")
    return tree


def is_mine_to_write(visit: Visit, tree: Tree) -> bool:
    """Whether a note is a draft of whoever looks."""
    assert visit.caller is not None
    return is_ours(tree) and is_draft(tree) and is_by(tree, visit.caller.id)


async def form(
    visit: Visit, tree: Tree, sent: dict[str, str] | None = None, problems: Problems | None = None
) -> dict[str, Any]:
    """What the form of a draft shows: the note, or what was typed and not stored."""
    assert visit.caller is not None
    parts = await notes_of(visit).parts(visit.caller, tree)
    return {
        "note": rows.shown(tree, visit.caller.id, {}, parts),
        "sent": sent or {},
        "problems": problems or {},
        "longest": LONGEST,
        "title_longest": TITLE,
        "colleagues": await colleagues(visit),
        "needs_cosigner": bool(visit.caller.roles & notes_of(visit).needing),
    }


async def workspace(visit: Visit, patient: str) -> dict[str, Any] | None:
    """Of `?workspace=note/ID`: the values of `form`; None without one, or for what is no draft of
    one's own any more."""
    found = _NOTE.fullmatch(visit.query("workspace"))
    if found is None or visit.web.notes is None:
        return None
    try:
        tree = await read(visit, patient, found[1])
    except (NotFound, Conflict):
        return None
    return await form(visit, tree) if is_mine_to_write(visit, tree) else None


async def beginning(visit: Visit, patient: str) -> dict[str, Any]:
    """What the form that begins a note offers: templates, empty for who writes none."""
    may = visit.web.notes is not None and visit.may("c", "Composition")
    if not may or visit.caller is None or visit.caller.patient:
        return {"templates": []}
    found = await notes_of(visit).offered(visit.caller)
    return {"templates": [(one.key, one.title) for one in found]}


async def encounter_of(visit: Visit, appointment: str) -> str:
    """The Encounter of a video visit, as `Encounter/17`; empty before the patient has come."""
    pairs = [("appointment", f"Appointment/{appointment}"), ("_count", "1")]
    page = await visit.reader.glance("Encounter", pairs)
    return f"Encounter/{page.trees[0]['id']}" if page.trees else ""


async def during(visit: Visit, patient: str, appointment: str) -> dict[str, Any]:
    """What stands beside a video: the draft that belongs to its encounter, or how to begin one."""
    offers = await beginning(visit, patient)
    encounter = await encounter_of(visit, appointment) if offers["templates"] else ""
    beside = await _draft_of(visit, patient, encounter) if encounter else None
    return {"workspace": beside, "encounter": encounter, "patient": patient, **offers}


async def _draft_of(visit: Visit, patient: str, encounter: str) -> dict[str, Any] | None:
    pairs = [
        ("patient", patient), ("encounter", encounter), ("status", "preliminary"),
        ("_sort", "-date"), ("_count", "20"),
    ]  # fmt: skip
    page = await visit.reader.glance("Composition", pairs)
    mine = [tree for tree in page.trees if is_mine_to_write(visit, tree)]
    return await form(visit, mine[0]) if mine else None
