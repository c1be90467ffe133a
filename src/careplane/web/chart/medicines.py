"""Medicines as the patient takes them: what, how, how often it was asked for again; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from careplane.fhir.tree import Tree
from careplane.web.chart.lists import medication
from careplane.web.i18n import mark
from careplane.web.say import types
from careplane.web.say.doses import dose

REFILL = "refill"
_ASKED = {
    "draft": mark("You asked for more"),
    "requested": mark("You asked for more"),
    "received": mark("You asked for more"),
    "accepted": mark("Your prescriber is looking at it"),
    "ready": mark("Your prescriber is looking at it"),
    "in-progress": mark("Your prescriber is looking at it"),
    "on-hold": mark("Your prescriber has a question"),
    "completed": mark("Prescribed again"),
    "rejected": mark("Not prescribed again"),
    "cancelled": mark("You withdrew your request"),
    "failed": mark("Not prescribed again"),
}
_OPEN = frozenset({"draft", "requested", "received", "accepted", "ready", "in-progress", "on-hold"})


@dataclass(frozen=True, slots=True)
class Medicine:
    """One prescription. `doses` holds the parts of each dose; `asked` says where the newest request
    for more stands (a message id), since `asked_on`, with `answer`; `open` while it is not
    answered. `left` is how many refills were allowed, None where that was not said."""

    id: str
    name: str
    since: str
    by: str
    why: str
    doses: tuple[tuple[str, ...], ...]
    active: bool
    left: int | None
    until: str
    asked: str
    asked_on: str
    answer: str
    open: bool


def medicines(
    requests: Iterable[Tree], tasks: Iterable[Tree]
) -> tuple[list[Medicine], list[Medicine]]:
    """What is taken now and what was; the newest prescription of a medicine stands for it."""
    asked: dict[str, Tree] = {}
    for task in sorted(tasks, key=_changed):
        asked[str(task.get("focus", {}).get("reference", ""))] = task
    rows = [_row(tree, asked.get(f"MedicationRequest/{tree['id']}", {})) for tree in requests
            if tree.get("status") != "entered-in-error"]  # fmt: skip
    rows.sort(key=lambda row: row.since, reverse=True)
    now: dict[str, Medicine] = {}
    for row in rows:
        if row.active:
            now.setdefault(row.name, row)
    past: dict[str, Medicine] = {}
    for row in rows:
        if row.name not in now:
            past.setdefault(row.name, row)
    return list(now.values()), list(past.values())


def _row(tree: Tree, task: Tree) -> Medicine:
    row = medication(tree)
    dispense = tree.get("dispenseRequest", {})
    status = str(task.get("status", ""))
    notes = [str(note.get("text", "")) for note in task.get("note", ())]
    reasons = [types.concept(one) for one in tree.get("reasonCode", ())]
    reasons += [types.reference(one) for one in tree.get("reasonReference", ()) if "display" in one]
    return Medicine(
        row.id,
        row.title,
        row.sort,
        row.extra,
        ", ".join(reasons),
        tuple(parts for one in tree.get("dosageInstruction", ()) if (parts := dose(one))),
        row.active,
        dispense.get("numberOfRepeatsAllowed"),
        str(dispense.get("validityPeriod", {}).get("end", "")),
        _ASKED.get(status, ""),
        str(task.get("authoredOn", "")),
        str(task.get("statusReason", {}).get("text", "")) or (notes[-1] if notes else ""),
        status in _OPEN,
    )


def _changed(task: Tree) -> str:
    return str(task.get("lastModified") or task.get("authoredOn", ""))
