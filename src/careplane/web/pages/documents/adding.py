"""A file that somebody puts into a record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from starlette.responses import Response

from careplane.care.documents.document import LEVELS, Said
from careplane.care.documents.documents import Documents
from careplane.care.documents.types import TYPES
from careplane.kernel.errors import Incorrect, Invalid, TooLarge, Unsupported
from careplane.records.files.refusal import FileRefused
from careplane.web.i18n import mark
from careplane.web.pages import chart, filed
from careplane.web.pages.documents.words import not_stored, said_of, too_large
from careplane.web.say.problems import Problem, Problems
from careplane.web.uploads import parts, typed_in
from careplane.web.visit import Visit, redirect

_TITLE = 100


def documents_of(visit: Visit) -> Documents:
    """Raises Unsupported where this server keeps none."""
    if visit.web.documents is None:
        raise Unsupported("This server keeps no documents.")
    return visit.web.documents


async def add(visit: Visit) -> Response:
    """POST /patients/{id}/documents: one file, and what is said of it."""
    documents, caller = documents_of(visit), visit.caller
    assert caller is not None
    patient = visit.path("id")
    try:
        form = await parts(visit.request, largest=documents.largest)
    except TooLarge as error:
        problem = too_large(documents.largest)
        return await _again(visit, typed_in(error), {"file": problem}, 413)
    sent, problems = form.fields, _problems(form.fields)
    if not form.files:
        problems["file"] = Problem(mark("Choose a file."))
    if problems:
        return await _again(visit, sent, problems)
    file = form.files[0]
    try:
        id = await documents.add(caller, patient, file.name, file.kind, file.data, _said(sent))
    except FileRefused as error:
        return await _again(visit, sent, {"file": said_of(error)})
    except Invalid as error:
        return await _again(visit, sent, {"file": not_stored(error)})
    except Incorrect:
        return await _again(visit, sent, {"encounter": Problem(mark("Choose one of the list."))})
    return redirect(f"/patients/{patient}/documents/{id}?added=1")


def _problems(sent: Mapping[str, str]) -> Problems:
    problems: Problems = {}
    if sent.get("kind") not in TYPES:
        problems["kind"] = Problem(mark("Say what kind of document it is."))
    if len(sent.get("title", "")) > _TITLE:
        problems["title"] = Problem(
            mark("A title has %(most)s characters at most."), {"most": _TITLE}
        )
    if sent.get("made") and not _is_date(sent["made"]):
        problems["made"] = Problem(mark("The date is written as 2026-12-31."))
    return problems


def _said(sent: Mapping[str, str]) -> Said:
    encounter, level = sent.get("encounter", ""), sent.get("level", "N")
    return Said(
        TYPES[sent["kind"]],
        sent.get("title", ""),
        encounter,
        sent.get("made", ""),
        level if level in LEVELS else "N",
    )


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


async def _again(
    visit: Visit, sent: Mapping[str, str], problems: Problems, status: int = 400
) -> Response:
    """The list and the form, with what was typed and what is wrong with it; a browser does not
    give a file again."""
    return await chart.shown(
        visit, "documents", filed.tab, "", status, sent=sent, problems=problems
    )
