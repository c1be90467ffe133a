"""From the kind of visit to a booked one: choose a time, which is held, and book it.

Four clicks from home: the kinds, one of them, a time, and the button that books it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Incorrect, NotFound
from careplane.telehealth.scheduling import names
from careplane.telehealth.scheduling.booking import wish_of
from careplane.telehealth.scheduling.calendars import invitation
from careplane.telehealth.scheduling.occupancy import extension, held_until, moment_of
from careplane.telehealth.scheduling.refusals import TooLate, Unavailable
from careplane.telehealth.scheduling.visit import Wanted, in_medium
from careplane.web.agenda import times
from careplane.web.agenda.clock import bounds, day_in, local
from careplane.web.agenda.kinds import Kind, kind_of, kinds
from careplane.web.agenda.roster import Roster
from careplane.web.agenda.words import MEDIA
from careplane.web.forms import fields
from careplane.web.pages.booking.home import card
from careplane.web.pages.booking.reading import bookable, mine, offered, terms
from careplane.web.pages.calendar.finding import DAYS, GONE, WEEK, search_of
from careplane.web.pages.calendar.reading import free, here, line_of, must
from careplane.web.security import HEADERS, PRIVATE
from careplane.web.visit import Visit, redirect
from careplane.words.catalogues import gettext as _
from careplane.words.catalogues import mark

_MOST = 60
_EACH = 8
"""Times that are shown of a day at first."""
_FAR = 200
"""Times that are worked out of each schedule: some are not shown, being of the same moments."""
_MOST_TEXT = 1000
_MINUTE = 60_000_000
LATE = mark("This can no longer be done here: it is too short before the visit. Please call us.")
OTHER = mark("Another time was chosen.")
ENDED = mark("The time was kept for you and has been let go since. Choose another one.")
STAGE = mark("That cannot be done with this visit any more.")
FULL = mark("Three times are kept for you already. Book one of them, or let it go.")


async def choose(visit: Visit) -> Response:
    """GET /book/times: free times of a kind of visit."""
    return await _times(visit)


async def _times(visit: Visit, problem: str = "") -> Response:
    who = await bookable(visit)
    values = await _offered(visit, who, visit.query("type"))
    return visit.render(
        "booking/times.html",
        409 if problem else 200,
        **values,
        problem=problem,
        action="/book/hold",
        moving=None,
    )


async def _offered(visit: Visit, who: Roster, type: str, without: int = 0) -> dict[str, Any]:
    every = offered(who)
    kind = next((one for one in every if one.key == type), None) or next(iter(every), None)
    if kind is None:
        raise NotFound("No kind of visit can be booked here.")
    of = visit.query("of")
    zone = mine(visit, who.zone(next((line.zone for line in who.of(of)), "")))
    today = local(visit.web.clock(), zone).date()
    first = max(day_in(visit.query("day"), today), today)
    ahead = DAYS if of else WEEK
    low, high = bounds(first, first + timedelta(days=ahead - 1), zone)
    found = await free(visit, search_of(low, high, [of] if of else [], kind.token), most=_FAR)
    each = 0 if visit.query("all") else _EACH
    again = {"type": kind.key, "of": of, "day": first + timedelta(days=ahead)}
    return {
        "days": times.days(found.found, who, zone, _MOST, without, each),
        "kinds": every,
        "kind": kind,
        "type": kind.key,
        "people": [(one, who.name(one)) for one in kind.people],
        "of": of,
        "day": first,
        "clock": zone.key,
        "later": urlencode(again),
        "more": {"type": kind.key, "of": of, "all": "1"},
    }


async def hold(visit: Visit) -> Response:
    """POST: keep a time for a few minutes; another one that was kept so is let go."""
    desk, caller = here(visit)
    sent = await fields(visit.request)
    wanted = _whole(await bookable(visit), times.wanted(sent.get("at", "")))
    try:
        held = await desk.hold_for(caller, wanted)
    except (Unavailable, TooLate):
        return await _times(visit, GONE)
    except Conflict:
        return await _times(visit, FULL)
    await _let_go(visit, held.id)
    return redirect(f"/book/{held.id}")


async def _let_go(visit: Visit, but: str) -> None:
    """End other holds of this patient, offers of the waiting list not among them."""
    desk, caller = here(visit)
    pairs = [("actor", f"Patient/{caller.patient}"), ("status", "pending"), ("_count", "20")]
    page = await visit.reader.search("Appointment", pairs)
    for tree in page.trees:
        if tree["id"] != but and not wish_of(tree) and extension(tree, names.HELD_UNTIL):
            await desk.cancel(caller, str(tree["id"]), ("", "", OTHER))


async def show(visit: Visit) -> Response:
    """GET /book/{id}: a time that is kept, to be booked; or a visit."""
    return await _show(visit)


async def _show(visit: Visit, problem: str = "", typed: dict[str, str] | None = None) -> Response:
    who = await bookable(visit)
    tree = (await visit.reader.read("Appointment", visit.path("id"))).tree
    made = card(visit, who, tree)
    line, row = line_of(who, tree), made["row"]
    now = visit.web.clock()
    kind = kind_of([line] if line else (), tree)
    agreed = terms(line)
    start = moment_of(tree["start"]) if "start" in tree else 0
    status = str(tree["status"])
    return visit.render(
        "booking/visit.html",
        409 if problem else 200,
        card=made,
        row=row,
        kept=status == "pending" and (held_until(tree) or 0) > now,
        booked=status in ("booked", "arrived", "checked-in"),
        can_move=status == "booked" and start - now >= agreed.move_before * _MINUTE,
        can_cancel=status == "booked" and start - now >= agreed.cancel_before * _MINUTE,
        media=_media(kind),
        is_new=visit.query("said") == "booked",
        is_moved=visit.query("said") == "moved",
        problem=problem,
        typed={"medium": "", "reason": ""} | (typed or {}),
        with_visits=visit.web.visits is not None,
    )


def _media(kind: Kind | None) -> dict[str, str]:
    return {code: MEDIA[code] for code in (kind.media if kind else ()) if code in MEDIA}


async def book(visit: Visit) -> Response:
    """POST: book the time that is kept, or the offer."""
    desk, caller = here(visit)
    id = visit.path("id")
    sent = await fields(visit.request)
    tree = (await visit.reader.read("Appointment", id)).tree
    reason, medium = sent.get("reason", "").strip(), sent.get("medium", "")
    if len(reason) > _MOST_TEXT:
        raise Incorrect(_("A reason has %(count)s characters at most.", count=_MOST_TEXT))
    more: list[tuple[str, Any]] = [("reasonCode", [{"text": reason}])] if reason else []
    kind = kind_of((await bookable(visit)).lines, tree)
    if medium in _media(kind):
        more.append(("extension", in_medium(tree, medium)["extension"]))
    try:
        await desk.book(caller, id, more=tuple(more))
    except Unavailable:
        return await _show(visit, ENDED, sent)
    except TooLate:
        return await _show(visit, LATE, sent)
    except Conflict:
        return await _show(visit, STAGE, sent)
    return redirect(f"/book/{id}?said=booked")


async def cancel(visit: Visit) -> Response:
    """POST: cancel a visit, let a kept time go, decline an offer, or withdraw a wish."""
    desk, caller = here(visit)
    id = visit.path("id")
    sent = await fields(visit.request)
    tree = (await visit.reader.read("Appointment", id)).tree
    why = (names.CANCEL_REASON, "pat-cpp", sent.get("text", "").strip()[:_MOST_TEXT])
    try:
        await desk.cancel(caller, id, why)
    except TooLate:
        return await _show(visit, LATE, sent)
    except Conflict:
        return await _show(visit, STAGE, sent)
    said = {"pending": "declined", "waitlist": "withdrawn"}.get(str(tree["status"]), "cancelled")
    return redirect(f"/book?said={said}")


async def moving(visit: Visit) -> Response:
    """GET /book/{id}/move: another time."""
    return await _moving(visit)


async def _moving(visit: Visit, problem: str = "") -> Response:
    who = await bookable(visit)
    tree = (await visit.reader.read("Appointment", visit.path("id"))).tree
    kind = kind_of(who.lines, tree)
    start = moment_of(tree["start"]) if "start" in tree else 0
    values = await _offered(visit, who, visit.query("type") or (kind.key if kind else ""), start)
    return visit.render(
        "booking/times.html",
        409 if problem else 200,
        **values,
        problem=problem,
        action=f"/book/{tree['id']}/move",
        moving=card(visit, who, tree),
    )


async def move(visit: Visit) -> Response:
    """POST: move the visit there."""
    desk, caller = here(visit)
    sent = await fields(visit.request)
    id = visit.path("id")
    try:
        wanted = _whole(await bookable(visit), times.wanted(sent.get("at", "")))
        await desk.move(caller, id, wanted)
    except Unavailable:
        return await _moving(visit, GONE)
    except TooLate:
        return await _show(visit, LATE)
    except Conflict:
        return await _show(visit, STAGE)
    return redirect(f"/book/{id}?said=moved")


async def calendar_file(visit: Visit) -> Response:
    """GET /book/{id}/visit.ics: the visit for a calendar; when it is, and nothing of what for."""
    record = await visit.reader.read("Appointment", visit.path("id"))
    scope = visit.request.scope
    base = visit.web.addressing.base(scope, dict(scope["headers"]))
    tree: Tree = {**record.tree, "meta": {"lastUpdated": record.updated}}
    name = {"Content-Disposition": "; ".join(("attachment", 'filename="visit.ics"'))}
    body = invitation.publish([(tree, record.version)], base)
    return Response(body, media_type=invitation.MEDIA, headers=HEADERS | PRIVATE | name)


def _whole(who: Roster, wanted: Wanted) -> Wanted:
    line = must(who.line(wanted.schedule))
    kind = next((one for one in kinds([line]) if one.code == wanted.visit), None)
    if kind is None or kind.staff_only:
        raise Incorrect("This kind of visit is not booked here.")
    medium = kind.media[0] if len(kind.media) == 1 else ""
    return replace(wanted, end=wanted.start + kind.minutes * _MINUTE, medium=medium)
