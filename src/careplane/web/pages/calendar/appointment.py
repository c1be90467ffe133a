"""One visit, for the desk: who comes, what was noted, and what can be done with it."""

from __future__ import annotations

from collections.abc import Awaitable

from starlette.responses import Response

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Incorrect, Precondition
from careplane.records import commands
from careplane.telehealth.scheduling import names
from careplane.telehealth.scheduling.attendance import STAGES, attend
from careplane.telehealth.scheduling.occupancy import extension
from careplane.web.agenda.clock import local
from careplane.web.agenda.kinds import kind_of
from careplane.web.agenda.times import key
from careplane.web.agenda.visits import actors
from careplane.web.agenda.words import CANCELLED
from careplane.web.forms import fields
from careplane.web.pages.calendar.reading import here, one
from careplane.web.pages.people_of import people
from careplane.web.visit import Visit, redirect
from careplane.words.catalogues import gettext as _
from careplane.words.catalogues import mark
from careplane.words.dates import long_day

_MOST_NOTE = 1000
SAID = {
    "booked": mark("The visit is booked."),
    "series": mark("The visits are booked. This is the first of them."),
    "moved": mark("The visit has been moved."),
    "noted": mark("The note is saved."),
    "status": mark("The visit has been updated."),
    "cancelled": mark("The visit is cancelled."),
}
STALE = mark(
    "Somebody else has changed this visit in the meantime. What is shown now is new; what you "
    "typed is kept."
)
STAGE = mark("That cannot be done with this visit any more. What is shown now is how it stands.")


async def show(visit: Visit, problem: str = "", note: str | None = None) -> Response:
    """GET /desk/visits/{id}."""
    desk, caller = here(visit)
    shown, version, who, line, zone = await one(visit, visit.path("id"))
    start = local(shown.start, zone) if shown.start else None
    now = visit.web.clock()
    held = shown.until > now
    kind = kind_of([line] if line else (), shown.tree)
    return visit.render(
        "calendar/visit.html",
        409 if problem else 200,
        visit=shown,
        version=version,
        stage=shown.status,
        day=long_day(start.date()) if start else "",
        clock=zone.key,
        gives=[who.name(a) for a in dict.fromkeys(who.persons.get(a, a) for a in actors(shown.tree))
               if not a.startswith("Patient/") and a],
        patients=await people(visit, actors(shown.tree)),
        whom=[a for a in actors(shown.tree) if a.startswith("Patient/")],
        stages=[s for s in STAGES if shown.status in STAGES[s]],
        missed=shown.status in ("booked", "arrived") and 0 < shown.start <= now,
        can_move=shown.status == "booked",
        can_cancel=shown.status in ("booked", "waitlist") or held,
        held=f"{local(shown.until, zone):%H:%M}" if held else "",
        beside=key(line.id, shown.start, kind.code)
        if line and kind and shown.start > now and desk.may_overbook(caller) else "",
        may=visit.may("u", "Appointment"),
        reasons=CANCELLED,
        why=_why(shown.tree),
        overbooked=str((extension(shown.tree, names.OVERBOOKED_WHY) or {}).get("valueString", "")),
        said=SAID.get(visit.query("said"), ""),
        problem=problem,
        note=shown.comment if note is None else note,
        with_visits=visit.web.visits is not None,
    )  # fmt: skip


async def change(visit: Visit) -> Response:
    """POST: the patient is here, was seen, or did not come; the visit is cancelled; a note."""
    desk, caller = here(visit)
    id = visit.path("id")
    sent = await fields(visit.request)
    do = sent.get("do", "")
    if do in STAGES:
        return await _done(visit, attend(desk, caller, id, do), "status")
    if do == "noshow":
        return await _done(visit, desk.no_show(caller, id), "status")
    if do == "cancel":
        code = sent.get("reason", "")
        if code not in CANCELLED:
            raise Incorrect("Say why the visit is cancelled.")
        reason = (names.CANCEL_REASON, code, sent.get("text", "").strip()[:_MOST_NOTE])
        work = desk.cancel(caller, id, reason, series=sent.get("series") == "1")
        return await _done(visit, work, "cancelled")
    if do == "note":
        return await _note(visit, id, sent)
    raise Incorrect("Choose one of the buttons.")


async def _done(visit: Visit, work: Awaitable[object], said: str) -> Response:
    try:
        await work
    except Conflict:
        return await show(visit, STAGE)
    return redirect(f"/desk/visits/{visit.path('id')}?said={said}")


async def _note(visit: Visit, id: str, sent: dict[str, str]) -> Response:
    text = sent.get("note", "").strip()
    if len(text) > _MOST_NOTE:
        raise Incorrect(_("A note has %(count)s characters at most.", count=_MOST_NOTE))
    version = sent.get("version", "")
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise Incorrect("The form does not say which version it is about; load the page anew.")

    def noted(tree: Tree) -> Tree:
        rest = {key: value for key, value in tree.items() if key != "comment"}
        return {**rest, "comment": text} if text else rest

    assert visit.caller is not None
    command = commands.Patch("Appointment", noted, id=id, if_match=int(version))
    try:
        await visit.web.door.patch(visit.caller, command)
    except Precondition:
        return await show(visit, STALE, text)
    return redirect(f"/desk/visits/{id}?said=noted")


def _why(tree: Tree) -> tuple[str, str]:
    """Why it was cancelled: a word to be translated, and what was typed."""
    concept = tree.get("cancelationReason", {})
    code = str((concept.get("coding") or [{}])[0].get("code", ""))
    return CANCELLED.get(code, ""), str(concept.get("text", ""))
