"""The forms of a patient in lists: drafts, completed ones, those that were asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from careplane.access.caller import Caller
from careplane.access.scopes import Permission
from careplane.care.forms import names, responses
from careplane.care.forms.definition import worded
from careplane.care.forms.forms import Forms
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Unsupported
from careplane.web.i18n import mark
from careplane.web.reader import NOT_ALLOWED, Page
from careplane.web.visit import Visit
from careplane.words.catalogues import gettext as _

STATES = {
    "in-progress": mark("Draft"),
    "completed": mark("Completed"),
    "amended": mark("Amended"),
    "stopped": mark("Discarded"),
    "entered-in-error": mark("Entered in error"),
    "requested": mark("Asked for"),
    "received": mark("Asked for"),
    "accepted": mark("Asked for"),
    "ready": mark("Asked for"),
}
_MANY = 200


@dataclass(frozen=True, slots=True)
class Filled:
    """A response in a list."""

    id: str
    title: str
    status: str
    when: str
    author: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A Task that asks for a form. `response` is the id of what was begun for it."""

    id: str
    title: str
    status: str
    when: str
    due: str
    note: str
    by: str
    response: str


def forms_of(visit: Visit) -> tuple[Forms, Caller]:
    """Raises Unsupported where there are none."""
    if visit.web.forms is None:
        raise Unsupported("This server offers no forms.")
    assert visit.caller is not None
    return visit.web.forms, visit.caller


async def lists(visit: Visit, patient: str) -> dict[str, Any]:
    """The responses of a patient and what is asked of them."""
    of = ("patient", patient)
    code = ("code", f"{names.TASK_CODES}|{names.FILL}")
    newest = ("_sort", "-_lastUpdated")
    found, tasks, known = await visit.reader.several(
        ("QuestionnaireResponse", [of, newest, ("_count", str(_MANY))]),
        ("Task", [of, code, newest, ("_count", str(_MANY))]),
        ("Questionnaire", [("_count", str(_MANY))]),
    )
    titles = _titles(known, visit.language)
    filled = [_filled(tree, titles) for tree in found.trees]
    asked = [_asked(tree, titles) for tree in tasks.trees]
    return {
        "drafts": [one for one in filled if one.status == "in-progress"],
        "finished": [one for one in filled if one.status in ("completed", "amended")],
        "asked": [one for one in asked if one.status in responses.OPEN],
        "states": STATES,
        "hidden": found is NOT_ALLOWED,
        "ready": [
            (str(tree["id"]), worded(tree, "title", visit.language) or str(tree.get("name") or ""))
            for tree in sorted(known.trees, key=lambda one: str(one.get("title")).casefold())
            if tree.get("status") == "active" and tree.get("url")
        ],
    }


async def tab(visit: Visit, patient: str) -> dict[str, Any]:
    """The tab of the chart."""
    found = await lists(visit, patient)
    mine = visit.caller is not None and visit.caller.id == f"Patient/{patient}"
    return {
        **found,
        "fills": may(visit, Permission.CREATE, "QuestionnaireResponse"),
        "asks": may(visit, Permission.CREATE, "Task") and not mine,
        "said": visit.query("said"),
    }


def may(visit: Visit, permission: Permission, type: str) -> bool:
    """Whether to offer a change; the door decides."""
    scopes = visit.caller.scopes if visit.caller else frozenset()
    return any(permission in s.permissions and s.type in (None, type) for s in scopes)


def _titles(known: Page, language: str) -> dict[str, str]:
    found = {}
    for tree in known.trees:
        title = worded(tree, "title", language) or str(tree.get("name") or "")
        url, version = str(tree.get("url")), tree.get("version")
        found[url] = title
        found[f"{url}|{version}"] = title
        found[f"Questionnaire/{tree['id']}"] = title
    return found


def _filled(tree: Tree, titles: dict[str, str]) -> Filled:
    named = str(tree.get("questionnaire", ""))
    title = titles.get(named) or titles.get(named.partition("|")[0]) or named.partition("|")[0]
    author = tree.get("author", {})
    return Filled(
        str(tree["id"]),
        title or _("Answers to our questions"),
        str(tree.get("status")),
        str(tree.get("authored") or tree.get("meta", {}).get("lastUpdated") or ""),
        str(author.get("display") or author.get("reference") or ""),
    )


def _asked(tree: Tree, titles: dict[str, str]) -> Asked:
    named = str(tree.get("focus", {}).get("reference", ""))
    by = tree.get("requester", {})
    notes = tree.get("note")
    note = notes[0].get("text", "") if isinstance(notes, list) and notes else ""
    due = tree.get("restriction", {}).get("period", {}).get("end", "")
    return Asked(
        str(tree["id"]),
        titles.get(named) or str(tree.get("description", "")),
        str(tree.get("status")),
        str(tree.get("authoredOn", "")),
        str(due),
        str(note),
        str(by.get("display") or by.get("reference") or ""),
        responses.output(tree).partition("/")[2],
    )
