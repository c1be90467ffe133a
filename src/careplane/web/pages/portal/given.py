"""Documents that I send to the practice, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from careplane.care.documents import given
from careplane.care.documents.document import Said
from careplane.care.documents.types import TYPES
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid, TooLarge, TooMany
from careplane.records.files.refusal import FileRefused
from careplane.web.i18n import mark
from careplane.web.pages.documents.adding import documents_of
from careplane.web.pages.documents.words import not_stored, said_of, too_large
from careplane.web.pages.filed import TITLES, accepted
from careplane.web.pages.portal.documents import row, stands
from careplane.web.pages.portal.own import may_act, of
from careplane.web.say.problems import Problem, Problems
from careplane.web.uploads import parts, said, typed_in
from careplane.web.visit import Visit, redirect

KINDS = ("letter", "consultation", "discharge", "laboratory", "imaging", "photograph",
         "directive", "insurance", "other")  # fmt: skip
"""What a patient has at home."""
_TITLE = 100


async def show(visit: Visit, patient: str) -> Response:
    """GET /my/documents."""
    return await _page(visit, patient, {}, {})


async def send(visit: Visit, patient: str) -> Response:
    """POST: one file, and what is said of it."""
    documents, caller = documents_of(visit), visit.caller
    assert caller is not None
    try:
        form = await parts(visit.request, largest=documents.largest)
    except TooLarge as error:
        problem = too_large(documents.largest)
        return await _page(visit, patient, typed_in(error), {"file": problem}, 413)
    sent, problems = form.fields, _problems(form.fields)
    if not form.files:
        problems["file"] = Problem(mark("Choose a file."))
    if problems:
        return await _page(visit, patient, sent, problems)
    file = form.files[0]
    try:
        of_it = Said(TYPES[sent["kind"]], sent.get("title", ""))
        await given.send(documents, caller, file.name, file.kind, file.data, of_it)
    except FileRefused as error:
        return await _page(visit, patient, sent, {"file": said_of(error)})
    except Invalid as error:
        return await _page(visit, patient, sent, {"file": not_stored(error)})
    except TooMany:
        problem = Problem(mark("Wait until the practice has looked through some of what you sent."))
        return await _page(visit, patient, sent, {"file": problem}, 429)
    return redirect("/my/documents?said=sent")


def _problems(sent: Mapping[str, str]) -> Problems:
    problems: Problems = {}
    if sent.get("kind") not in KINDS:
        problems["kind"] = Problem(mark("Say what kind of document it is."))
    if len(sent.get("title", "")) > _TITLE:
        problems["title"] = Problem(
            mark("A title has %(most)s characters at most."), {"most": _TITLE}
        )
    return problems


async def _page(
    visit: Visit, patient: str, sent: Mapping[str, str], problems: Problems, status: int = 400
) -> Response:
    documents = documents_of(visit)
    assert visit.caller is not None
    wanted = of(patient, ("category", f"{given.CATEGORIES}|{given.PROVIDED}"), ("_sort", "-date"))
    found = await visit.reader.glance("DocumentReference", wanted)
    answers = await given.told(documents, visit.caller, patient)
    return visit.render(
        "portal/documents.html",
        status if problems else 200,
        rows=[
            _row(tree, answers.get(f"DocumentReference/{tree['id']}", {})) for tree in found.trees
        ],
        can=may_act(visit),
        kinds={key: TITLES[key] for key in KINDS},
        largest=said(documents.largest),
        accept=accepted(),
        sent=sent,
        problems=problems,
        said=visit.query("said"),
    )


def _row(tree: Tree, task: Tree) -> dict[str, Any]:
    return {
        **row(tree),
        "title": str(tree.get("description", "")),
        **stands(tree, task),
        "gone": tree.get("status") == "entered-in-error",
    }
