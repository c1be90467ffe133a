"""One form: filled, saved, completed, amended, read.

Everything works by sending the form: what is asked next and what is calculated is worked out on the
server alone. With scripts the page sends itself as one types, and takes over what has changed.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from careplane.access.caller import acts_as_patient
from careplane.access.scopes import Permission
from careplane.care.forms import responses, typed
from careplane.care.forms.opening import Opened
from careplane.care.forms.own import is_theirs
from careplane.kernel.errors import Conflict, Incorrect, Invalid, Precondition
from careplane.records.files.refusal import FileRefused
from careplane.web.pages.chart import frame
from careplane.web.pages.form_lists import STATES, forms_of, may
from careplane.web.pages.forms import files, finding
from careplane.web.pages.forms import rows as view
from careplane.web.pages.forms.row import Row, every, shown
from careplane.web.uploads import FilesTooLarge, Form
from careplane.web.visit import Visit, redirect

_FIELDS = 8_000
_BYTES = 2_000_000


async def show(visit: Visit) -> Response:
    """GET /forms/{id}: a draft to be filled, or what was completed; `?amend` to correct that."""
    forms, caller = forms_of(visit)
    opened = await forms.open(caller, visit.path("id"), visit.language)
    is_draft = responses.is_draft(opened.response)
    amending = visit.query("amend") and opened.response.get("status") in ("completed", "amended")
    opened.settle()
    if (is_draft or amending) and _changes(visit, opened):
        return await _fill(visit, opened, said=visit.query("said"))
    return await _page(visit, opened, "forms/view.html", said=visit.query("said"))


async def act(visit: Visit) -> Response:
    """POST /forms/{id}. `do` is `check`, `find`, `save`, `complete`, `discard`, `take` (into the
    record), `add:` or `remove:` and the place of a group, or `more:` and that of a question."""
    forms, caller = forms_of(visit)
    over: FilesTooLarge | None = None
    try:
        form = await files.sent(visit.request, _FIELDS, _BYTES)
    except FilesTooLarge as error:
        form, over = Form(error.fields, ()), error
    sent = form.fields
    do, _, place = ("check" if visit.query("live") else sent.get("do", "check")).partition(":")
    id = visit.path("id")
    if do == "discard":
        await forms.discard(caller, id, _number(sent.get("version", "")))
        return redirect(f"/forms/{id}?said=discarded")
    if do == "take":
        await forms.extract(caller, id)
        return redirect(f"/forms/{id}?said=taken")
    opened = await forms.open(caller, id, visit.language)
    seen = _number(sent.get("version", ""))
    current, opened.response["meta"] = opened.version, {"versionId": str(seen)}
    await finding.look(visit, opened, sent)
    opened.take_in(sent)
    if over is not None:
        return await _fill(visit, opened, sent=sent, status=413, refused=do, loose=over)
    try:
        keeps = visit.web.documents is not None and visit.web.documents.keeps_places
        with_files = do != "check" and files.attached(
            opened, form, visit.web.clock(), keeps_places=keeps
        )
    except FileRefused as error:
        return await _fill(visit, opened, sent=sent, status=422, refused=do, loose=error)
    if with_files:
        opened.settle()
    try:
        if with_files and responses.is_draft(opened.response):
            await _keep(visit, opened)  # a page that comes back has no files
        focus = _changed(opened, do, place, sent)
        if focus is not None or do in ("check", "find"):
            return await _fill(visit, opened, sent=sent, focus=focus or "")
        mistyped = any(entry.problem for line in opened.sheet.every() for entry in line.entries)
        if mistyped:
            if do == "complete":
                opened.problems()
            return await _fill(visit, opened, sent=sent, status=422, refused=do)
        if do == "complete":
            is_all = await forms.complete(caller, opened, visit.language)
            return redirect(f"/forms/{id}?said={'completed' if is_all else 'partly'}")
        if do == "save":
            await forms.save(caller, opened, visit.language)
            return redirect(f"/forms/{id}?said=saved")
    except Precondition:
        opened.response["meta"] = {"versionId": str(current)}
        return await _fill(visit, opened, sent=sent, status=409, conflict=True)
    except Conflict as error:
        return await _fill(visit, opened, sent=sent, status=409, conflict=True, text=error.text)
    except Invalid as error:
        return await _fill(visit, opened, sent=sent, status=422, refused=do, loose=error)
    raise Incorrect("Use the form on the page.")


async def _keep(visit: Visit, opened: Opened) -> None:
    """Save a draft, and go on with what was saved."""
    forms, caller = forms_of(visit)
    version = await forms.save(caller, opened, visit.language)
    opened.response["meta"] = {"versionId": str(version)}


def _changed(opened: Opened, do: str, place: str, sent: dict[str, str]) -> str | None:
    """Add or remove a repetition; where to go on, None where that was not asked for."""
    if do == "more":
        return place
    if do not in ("add", "remove"):
        return None
    step = typed.add if do == "add" else typed.remove
    focus = step(opened.sheet, place)
    opened.settle()
    for name in [name for name in sent if name.startswith("a")]:
        del sent[name]  # the places of what follows have moved
    return focus


async def _fill(
    visit: Visit,
    opened: Opened,
    *,
    sent: dict[str, str] | None = None,
    status: int = 200,
    refused: str = "",
    loose: Incorrect | None = None,
    **more: Any,
) -> Response:
    rows = view.rows(opened, visit.language)
    summary = _summary(rows) if refused else []
    places = list(shown(rows))
    carried = view.carried(opened, sent or {}, set(places))
    places += dict.fromkeys(name[1:].partition("/")[0] for name, _ in carried)
    return await _page(
        visit,
        opened,
        "forms/fill.html",
        status,
        rows=rows,
        shown=" ".join(places),
        carried=carried,
        refused=refused,
        summary=summary,
        loose=_loose(loose) if loose and not summary else [],
        focus=more.pop("focus", ""),
        conflict=more.pop("conflict", False),
        text=more.pop("text", ""),
        finds=f"/forms/{opened.id}/choices",
        with_files=any(row.kind == "attachment" for row in every(rows)),
        amending=not responses.is_draft(opened.response),
        **more,
    )


def _summary(rows: list[Row]) -> list[tuple[str, str, Any]]:
    """What is wrong: where it is, what is asked there, and the sentence."""
    found = []
    for row in every(rows):
        found += [(row.anchor, row.text, problem) for problem in row.problems]
        found += [(row.anchor, row.text, one.problem) for one in row.fields if one.problem]
    return found


def _changes(visit: Visit, opened: Opened) -> bool:
    """Whether to offer a change; the service decides."""
    return may(visit, Permission.UPDATE, "QuestionnaireResponse") and is_theirs(
        visit.caller, opened.response
    )


def _loose(refusal: Incorrect) -> list[str]:
    """What is wrong with the form as a whole; a rule of it is told in its own words."""
    return [
        issue.text.partition(": ")[2] if issue.code == "invariant" else issue.text
        for issue in refusal.issues
    ]


async def _page(
    visit: Visit, opened: Opened, template: str, status: int = 200, **values: Any
) -> Response:
    """With the patient's banner around it, where there is one."""
    around = await frame(visit, opened.patient, "forms") if opened.patient else {"tab": "forms"}
    values = {
        "said": "",
        "rows": [],
        **values,
        "form": opened.form,
        "title": opened.form.title(visit.language),
        "description": opened.form.description(visit.language),
        "response": opened.response,
        "id": opened.id,
        "version": opened.version,
        "states": STATES,
        "changes": _changes(visit, opened),
        "takes": opened.extracts and not (visit.caller and acts_as_patient(visit.caller)),
    }
    if template == "forms/view.html":
        values["rows"] = view.rows(opened, visit.language)
    return visit.render(template, status, **around, **values)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Incorrect("The form does not say which version it is of; open it again.")
    return int(text)
