"""A record of a list: find the concept, fill the form; or change one from the version seen."""

from __future__ import annotations

from starlette.responses import Response

from careplane.care import concepts
from careplane.kernel.errors import Conflict, Forbidden, Incorrect, NotFound, Precondition
from careplane.web.chart.entries import ENTRIES, Entry
from careplane.web.forms import fields
from careplane.web.pages.chart import frame
from careplane.web.visit import Handler, Visit, redirect
from careplane.words.catalogues import mark

Problems = list[tuple[str, str]]
_CHANGED = mark(
    "Somebody else changed this in the meantime; open it again, what you wrote is below."
)


def add(key: str) -> Handler:
    """GET /patients/{id}/<list>/add?q=, or ?what=&code=&system=."""

    async def show(visit: Visit) -> Response:
        entry = _entry(visit, key, "c")
        if visit.query("what"):
            sent = {name: visit.query(name)[:300] for name in ("what", "code", "system")}
            return await _form(visit, key, entry, sent)
        text = visit.query("q")
        assert visit.caller is not None
        found = await concepts.search(visit.web.door, visit.caller, entry.kind, text)
        return visit.render(
            "clinic/find_concept.html",
            **await frame(visit, visit.path("id"), key),
            entry=entry,
            q=text[:100],
            rows=found,
            shortest=concepts.SHORTEST,
        )

    return show


def edit(key: str) -> Handler:
    """GET /patients/{id}/<list>/{record}/edit."""

    async def show(visit: Visit) -> Response:
        entry = _entry(visit, key, "u")
        record = await visit.reader.read(entry.type, visit.path("record"))
        whom = record.tree.get("subject") or record.tree.get("patient", {})
        if whom.get("reference") != f"Patient/{visit.path('id')}":
            raise NotFound("This patient has no such record.")
        sent = {**entry.fill(record.tree), "version": str(record.version)}
        return await _form(visit, key, entry, sent)

    return show


def save(key: str) -> Handler:
    """POST of a form, for a new record or one that is there."""

    async def keep(visit: Visit) -> Response:
        sent = await fields(visit.request)
        record = visit.request.path_params.get("record", "")
        entry = _entry(visit, key, "u" if record else "c")
        patient, lists = visit.path("id"), visit.clinic.lists
        assert visit.caller is not None
        try:
            if record:
                version = _version(sent)
                await lists.change(visit.caller, entry.type, record, patient, sent, version)
            else:
                await lists.add(visit.caller, entry.type, patient, sent)
        except Precondition:
            return await _form(visit, key, entry, sent, [("", _CHANGED)])
        except (Incorrect, Conflict) as error:
            told = [(issue.where, issue.text) for issue in error.issues]
            return await _form(visit, key, entry, sent, told)
        return redirect(f"/patients/{patient}/{key}?saved=1")

    return keep


def _entry(visit: Visit, key: str, letter: str) -> Entry:
    entry = ENTRIES[key]
    if not visit.may(letter, entry.type):
        raise Forbidden("This list is written by those who treat the patient.")
    return entry


def _version(sent: dict[str, str]) -> int:
    version = sent.get("version", "")
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise Incorrect("The form is not whole; open it again.")
    return int(version)


async def _form(
    visit: Visit, key: str, entry: Entry, sent: dict[str, str], problems: Problems | None = None
) -> Response:
    return visit.render(
        "clinic/entry.html",
        400 if problems else 200,
        **await frame(visit, visit.path("id"), key),
        entry=entry,
        list=key,
        record=visit.request.path_params.get("record", ""),
        sent=sent,
        problems=problems or [],
    )
