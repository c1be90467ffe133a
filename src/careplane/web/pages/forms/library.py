"""The Questionnaires that there are: seen, tried, added, put into use and retired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from careplane.access.scopes import Permission
from careplane.care.forms import ready, typed
from careplane.care.forms.definition import form, worded
from careplane.care.forms.opening import Opened
from careplane.care.forms.settling import settle
from careplane.care.forms.sheet import blank
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.fhir.validation import problems
from careplane.kernel.errors import Forbidden, Incorrect, Invalid
from careplane.records import commands
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages.form_lists import forms_of, may
from careplane.web.pages.forms import finding
from careplane.web.pages.forms import rows as view
from careplane.web.pages.forms.row import shown
from careplane.web.visit import Visit, redirect

STATES = {
    "draft": mark("Draft"),
    "active": mark("In use"),
    "retired": mark("Retired"),
    "unknown": mark("Unknown"),
}
_LARGEST = 2_000_000
_FIELDS = 8_000
_MANY_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One Questionnaire in the list."""

    id: str
    title: str
    url: str
    version: str
    status: str
    number: int
    updated: str
    is_usable: bool


async def show(visit: Visit) -> Response:
    """GET /questionnaires."""
    return await _list(visit)


async def act(visit: Visit) -> Response:
    """POST /questionnaires: `do` is `ready` (add one that comes with Careplane), `add` (what was
    pasted), `active` or `retired` (one of the list)."""
    forms_of(visit)
    assert visit.caller is not None
    if not _keeps(visit):
        raise Forbidden("Questionnaires are looked after by administrators.")
    sent = await fields(visit.request, limit=_LARGEST)
    match sent.get("do", ""):
        case "ready":
            tree = ready.questionnaire(sent.get("name", ""))
            await _put(visit, tree)
            return redirect("/questionnaires?said=added")
        case "add":
            try:
                id = await _put(visit, _pasted(sent.get("text", "")))
            except Incorrect as error:
                return await _list(visit, 422, refused=error, text=sent.get("text", ""))
            return redirect(f"/questionnaires/{id}")
        case "active" | "retired" as status:
            await _become(visit, sent, status)
            return redirect(f"/questionnaires?said={status}")
    raise Incorrect("Use the form on the page.")


async def preview(visit: Visit) -> Response:
    """GET and POST /questionnaires/{id}: the form as it will look; what is tried is not kept."""
    forms, caller = forms_of(visit)
    opened = await forms.preview(caller, visit.path("id"), visit.language)
    if visit.request.method == "POST":
        sent = await fields(visit.request, _FIELDS, _LARGEST)
        await finding.look(visit, opened, sent)
        opened.take_in(sent)
        do, _, place = sent.get("do", "").partition(":")
        if do in ("add", "remove"):
            (typed.add if do == "add" else typed.remove)(opened.sheet, place)
        opened.settle()
    return _preview(visit, opened)


def _preview(visit: Visit, opened: Opened) -> Response:
    rows = view.rows(opened, visit.language)
    return visit.render(
        "forms/preview.html",
        id=visit.path("id"),
        finds=f"/questionnaires/{visit.path('id')}/choices",
        rows=rows,
        shown=" ".join(shown(rows)),
        title=opened.form.title(visit.language),
        description=opened.form.description(visit.language),
        copyright=worded(opened.form.tree, "copyright", visit.language),
        state=str(opened.form.tree.get("status")),
        states=STATES,
    )


async def _list(
    visit: Visit, status: int = 200, refused: Incorrect | None = None, text: str = ""
) -> Response:
    forms, caller = forms_of(visit)
    trees = await forms.ready(caller, all=True)
    here = {str(tree["id"]) for tree in trees}
    issues = refused.issues[:_MANY_PROBLEMS] if refused else ()
    return visit.render(
        "forms/library.html",
        status,
        found=[_row(tree, visit.language) for tree in trees],
        states=STATES,
        keeps=_keeps(visit),
        said=visit.query("said"),
        refused=[(issue.text, issue.where) for issue in issues],
        text=text,
        ready=[
            (n, worded(ready.questionnaire(n), "title", visit.language), n in here)
            for n in ready.known()
        ],
    )


def _keeps(visit: Visit) -> bool:
    """Whether to offer changes; the door decides."""
    caller = visit.caller
    named = caller is not None and (not caller.roles or "administrator" in caller.roles)
    return named and may(visit, Permission.UPDATE, "Questionnaire")


def _row(tree: Tree, language: str) -> Row:
    title = worded(tree, "title", language) or str(tree.get("name") or tree["id"])
    meta: dict[str, Any] = tree["meta"]
    return Row(
        str(tree["id"]),
        title,
        str(tree.get("url") or ""),
        str(tree.get("version") or ""),
        str(tree.get("status")),
        int(meta["versionId"]),
        str(meta["lastUpdated"]),
        bool(tree.get("url")),
    )


def _pasted(text: str) -> Tree:
    """A Questionnaire that can be filled. Raises Incorrect with all that stands against it."""
    tree = json.parse(text.encode())
    if tree.get("resourceType") != "Questionnaire":
        raise Incorrect("This is no Questionnaire.")
    wrong = [one for one in problems(tree) if one.severity in ("error", "fatal")]
    if wrong:
        raise Invalid(wrong[0].text, issues=tuple(wrong))
    settle(blank(form(tree)), {"resourceType": "QuestionnaireResponse"})
    if not tree.get("url"):
        raise Incorrect("Give it a url: responses name the form by it.")
    return tree


async def _put(visit: Visit, tree: Tree) -> str:
    door, caller = visit.web.door, visit.caller
    assert caller is not None
    raw = json.dump(tree)
    id = tree.get("id")
    if isinstance(id, str):
        await door.update(caller, commands.Update("Questionnaire", id, raw))
        return id
    written = await door.create(caller, commands.Create("Questionnaire", raw))
    assert written.version is not None
    return written.version.id


async def _become(visit: Visit, sent: dict[str, str], status: str) -> None:
    version = sent.get("version", "")
    if not version.isdecimal():
        raise Incorrect("Use the form on the page.")

    def change(tree: Tree) -> Tree:
        return {**tree, "status": status}

    command = commands.Patch(
        "Questionnaire", change, id=sent.get("id", ""), if_match=int(version[:9])
    )
    assert visit.caller is not None
    await visit.web.door.patch(visit.caller, command)
