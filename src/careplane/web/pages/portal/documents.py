"""Documents of the record: letters, notes that were released, summaries of visits."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from careplane.care.documents import given
from careplane.fhir.tree import Tree
from careplane.web.i18n import mark
from careplane.web.pages.documents.adding import documents_of
from careplane.web.pages.portal import attachments
from careplane.web.say import types
from careplane.web.visit import Visit


async def show(visit: Visit, patient: str) -> Response:
    """GET /my/documents/{id}."""
    record = await visit.reader.read("DocumentReference", visit.path("id"))
    files = attachments.of_document(record.tree)
    return visit.render(
        "portal/document.html",
        document=row(record.tree) | await _answer(visit, patient, record.tree),
        files=attachments.rows(f"/my/documents/{record.id}", files),
    )


async def file(visit: Visit, patient: str) -> Response:
    """GET /my/documents/{id}/files/{number}."""
    record = await visit.reader.read("DocumentReference", visit.path("id"))
    return await attachments.file(visit, attachments.of_document(record.tree), visit.path("number"))


async def file_of_report(visit: Visit, patient: str) -> Response:
    """GET /my/reports/{id}/files/{number}."""
    record = await visit.reader.read("DiagnosticReport", visit.path("id"))
    return await attachments.file(visit, attachments.of_report(record.tree), visit.path("number"))


async def _answer(visit: Visit, patient: str, tree: Tree) -> dict[str, str]:
    """What became of it, where the patient has given it."""
    if not given.is_given(tree):
        return {"stands": "", "reason": ""}
    assert visit.caller is not None
    tasks = await given.told(documents_of(visit), visit.caller, patient)
    return stands(tree, tasks.get(f"DocumentReference/{tree['id']}", {}))


def stands(tree: Tree, task: Tree) -> dict[str, str]:
    """How a document that a patient gave stands, and why it was not taken; `task` asked for it to
    be looked through."""
    refused = tree.get("status") == "entered-in-error"
    words = (
        mark("Not taken into your record") if refused
        else mark("Not looked at yet") if given.waits(tree)
        else mark("In your record")
    )  # fmt: skip
    reason = str(task.get("statusReason", {}).get("text", "")) if refused else ""
    return {"stands": words, "reason": reason}


def row(tree: Tree) -> dict[str, Any]:
    """A DocumentReference as a line of a list; `visits` are those that it is about."""
    files = attachments.of_document(tree)
    context = tree.get("context", {})
    return {
        "id": str(tree.get("id", "")),
        "title": next((str(one["title"]) for one in files if one.get("title")), "")
        or str(tree.get("description", "")) or types.concept(tree.get("type", {})),
        "kind": types.concept(tree.get("type", {})),
        "when": str(tree.get("date", "")),
        "visits": [str(one.get("reference", "")) for name in ("encounter", "related")
                   for one in context.get(name, ())],
    }  # fmt: skip
