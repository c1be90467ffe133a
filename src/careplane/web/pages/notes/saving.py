"""What is typed into the form of a note: saved, signed or thrown away.

The form is sent whole by its buttons, with scripts off too. The script of the form sends it by
itself while one types, and asks for a part of the page instead of another page (`part`): `state` is
the line that says what is saved, `form` the form, for where no other page may come (a video).
"""

from __future__ import annotations

from starlette.responses import Response

from careplane.care.notes.cosignature import Unnamed
from careplane.fhir.tree import Tree
from careplane.kernel.errors import (
    CareplaneError,
    Conflict,
    Forbidden,
    Incorrect,
    Precondition,
    Unproven,
)
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages import chart, writing
from careplane.web.pages.people.guard import to_confirm
from careplane.web.say.problems import Problem, Problems
from careplane.web.visit import Visit, redirect

_BYTES = 2_000_000
_FIELDS = 60


async def begin(visit: Visit) -> Response:
    """POST /patients/{id}/notes, with `template` and perhaps `encounter`."""
    sent = await fields(visit.request)
    return await begun(visit, visit.path("id"), sent, sent.get("encounter", ""))


async def begun(visit: Visit, patient: str, sent: dict[str, str], encounter: str) -> Response:
    """A new draft: beside the chart, or as a part of the page."""
    assert visit.caller is not None
    notes = writing.notes_of(visit)
    id = await notes.begin(visit.caller, patient, sent.get("template", "soap"), encounter)
    if sent.get("part") == "form":
        return await _part(visit, await writing.read(visit, patient, id))
    return redirect(_workspace(patient, id))


async def append(visit: Visit) -> Response:
    """POST /patients/{id}/notes/{note}/addendum."""
    assert visit.caller is not None
    patient = visit.path("id")
    await writing.read(visit, patient, visit.path("note"))
    id = await writing.notes_of(visit).append(visit.caller, visit.path("note"))
    return redirect(_workspace(patient, id))


async def save(visit: Visit) -> Response:
    """POST /patients/{id}/notes/{note}: `version` that was seen, `title`, a field for each section,
    and `do`: save (or nothing), sign (perhaps with `cosigner`), discard, or show (with `tab`)
    another part of the chart."""
    assert visit.caller is not None
    patient, id = visit.path("id"), visit.path("note")
    sent = await fields(visit.request, _FIELDS, _BYTES)
    notes, do = writing.notes_of(visit), sent.get("do", "save")
    tree = await writing.read(visit, patient, id)
    version = int(sent["version"]) if sent.get("version", "").isdecimal() else 0
    try:
        if do == "discard":
            await notes.discard(visit.caller, id, version)
            return await _done(visit, sent, f"/patients/{patient}/documents", "discarded")
        version = await notes.save(visit.caller, tree, version, sent.get("title", ""), sent)
        if do == "sign":
            await notes.sign(visit.caller, id, version, sent.get("cosigner", ""))
            return await _done(visit, sent, f"/patients/{patient}/notes/{id}?signed=1", "signed")
    except Unproven:
        if sent.get("part") != "form":
            return to_confirm(_workspace(patient, id))
        return await _refused(visit, sent, "sign", _UNPROVEN, 403)
    except Forbidden:
        raise
    except Unnamed:
        return await _refused(visit, sent, "cosigner", _UNNAMED, 400)
    except (Incorrect, Conflict) as error:
        return await _refused(visit, sent, *_problem(error))
    if sent.get("part"):
        return await _part(visit, await writing.read(visit, patient, id), sent["part"])
    return redirect(_workspace(patient, id, sent.get("tab", "") if do == "show" else ""))


_UNPROVEN = Problem(
    mark("The draft is saved. To sign it, prove in another window who you are, then sign again.")
)
_UNNAMED = Problem(
    mark("The draft is saved. What you sign needs a co-signature: choose whose, then sign.")
)


def _problem(error: CareplaneError) -> tuple[str, Problem, int]:
    """At which field, in which words, with which status."""
    if isinstance(error, Precondition):
        text = mark(
            "Not saved: the draft was changed in another window meanwhile. What you typed stands "
            "below; compare it with what is stored."
        )
        return "title", Problem(text), 409
    if isinstance(error, Conflict):
        return "title", Problem(mark("Not saved: the note is signed already.")), 409
    return "title", Problem(mark("Not done: %(reason)s"), {"reason": error.text}), 400


async def _refused(
    visit: Visit, sent: dict[str, str], field: str, problem: Problem, status: int
) -> Response:
    """The form with what was typed, and what is wrong."""
    patient = visit.path("id")
    tree = await writing.read(visit, patient, visit.path("note"))
    problems: Problems = {field: problem}
    if sent.get("part"):
        return await _part(visit, tree, sent["part"], sent, problems, status)
    workspace = await writing.form(visit, tree, sent, problems)
    return await chart.shown(visit, "summary", chart.summary, "", status, workspace=workspace)


async def _part(
    visit: Visit,
    tree: Tree,
    part: str = "form",
    sent: dict[str, str] | None = None,
    problems: Problems | None = None,
    status: int = 200,
) -> Response:
    """A part of a page, for the script."""
    workspace = await writing.form(visit, tree, sent, problems)
    template = "notes/state.html" if part == "state" else "notes/form.html"
    return visit.render(template, status, workspace=workspace, inside=True, stored=not problems)


async def _done(visit: Visit, sent: dict[str, str], goal: str, what: str) -> Response:
    """On to another page; beside a video a line that says what was done, with a link."""
    if not sent.get("part"):
        return redirect(goal)
    return visit.render("notes/done.html", goal=goal, what=what)


def _workspace(patient: str, id: str, tab: str = "") -> str:
    """A tab of the chart with the note beside it."""
    path = f"/{tab}" if tab in chart.TABS and tab != "summary" else ""
    return f"/patients/{patient}{path}?workspace=note/{id}"
