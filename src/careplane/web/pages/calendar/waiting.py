"""The waiting list: who waits for what, and what is offered; wishes are added, times offered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Incorrect
from careplane.telehealth.scheduling import names
from careplane.telehealth.scheduling.booking import wish_of
from careplane.telehealth.scheduling.finding import Search
from careplane.telehealth.scheduling.handing import offer
from careplane.telehealth.scheduling.occupancy import held_until, moment_of
from careplane.telehealth.scheduling.refusals import Unavailable
from careplane.web.agenda import times
from careplane.web.agenda.clock import bounds, day_in, hour, local
from careplane.web.agenda.kinds import kind_of, kinds
from careplane.web.agenda.roster import Roster
from careplane.web.agenda.visits import actors, kind
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages.calendar.booking import chosen_one, sought
from careplane.web.pages.calendar.finding import GONE, offered, search_of, whole
from careplane.web.pages.calendar.reading import here, schedules, tabs
from careplane.web.pages.people_of import people
from careplane.web.visit import Visit, redirect
from careplane.words.dates import day as say_day

_FIELDS = ("patient", "q", "type", "of", "first", "last", "note")
_MANY = 200
_MOST_NOTE = 1000
_GIVERS = ("Practitioner", "PractitionerRole", "Device")
SAID = {
    "added": mark("The wish is on the waiting list."),
    "offered": mark("The time is offered and kept for the patient."),
    "withdrawn": mark("The wish is off the waiting list."),
    "ended": mark("The offer has ended; the time is free again."),
}
ANSWERED = mark("This wish is answered, withdrawn, or has an offer already.")


@dataclass(frozen=True, slots=True)
class Wish:
    """A wish of the waiting list: `offer` is the id of what is held for it, `offered` when that is,
    `until` how long."""

    id: str
    patient: str
    what: str
    whom: tuple[str, ...]
    first: str
    last: str
    since: str
    note: str
    offer: str = ""
    offered: str = ""
    until: str = ""


async def show(visit: Visit) -> Response:
    """GET /desk/waiting."""
    who = await schedules(visit)
    rows = await wishes(visit, who, [("status", "waitlist"), ("_sort", "_lastUpdated")])
    return visit.render(
        "calendar/waiting.html",
        desk_tabs=tabs(visit),
        rows=rows,
        patients=await people(visit, [row.patient for row in rows]),
        said=SAID.get(visit.query("said"), ""),
    )


async def wishes(visit: Visit, who: Roster, pairs: list[tuple[str, str]]) -> list[Wish]:
    """The oldest first, each with the offer that is open."""
    wanted, held = await visit.reader.several(
        ("Appointment", [*pairs, ("_count", str(_MANY))]),
        ("Appointment", [("status", "pending"), ("_count", str(_MANY))]),
    )
    now = visit.web.clock()
    offers = {wish_of(one): one for one in held.trees if (held_until(one) or 0) > now}
    return [_wish(one, who, offers.get(str(one["id"]))) for one in wanted.trees]


def _wish(tree: Tree, who: Roster, held: Tree | None) -> Wish:
    whom = tuple(a for a in actors(tree) if not a.startswith("Patient/"))
    zone = zone_of(who, whom)
    period = (tree.get("requestedPeriod") or [{}])[0]
    first, last = (
        say_day(local(moment_of(period[end]) - (end == "end"), zone).date())
        if end in period
        else ""
        for end in ("start", "end")
    )
    more = {}
    if held is not None:
        start, until = moment_of(held["start"]), held_until(held) or 0
        day = local(start, zone).date()
        more = {"offer": str(held["id"]), "until": hour(until, zone),
                "offered": f"{say_day(day)} {hour(start, zone)}"}  # fmt: skip
    patient = next((a for a in actors(tree) if a.startswith("Patient/")), "")
    since = str(tree.get("created") or tree.get("meta", {}).get("lastUpdated", ""))[:10]
    note = str(tree.get("comment", ""))
    names_of = tuple(map(who.name, whom))
    return Wish(str(tree["id"]), patient, kind(tree), names_of, first, last, since, note, **more)


def zone_of(who: Roster, whom: tuple[str, ...]) -> ZoneInfo:
    """The clock of whom a wish is for."""
    return who.zone(next((line.zone for one in whom for line in who.of(one)), ""))


async def adding(visit: Visit) -> Response:
    """GET /desk/waiting/add."""
    return await _adding(visit, {n: visit.query(n) for n in ("patient", "q", "type", "of")}, {})


async def _adding(visit: Visit, typed: dict[str, str], problems: dict[str, str]) -> Response:
    who = await schedules(visit)
    found, problem = await sought(visit, typed.get("q", ""))
    return visit.render(
        "calendar/wish.html",
        422 if problems else 200,
        typed=dict.fromkeys(_FIELDS, "") | typed,
        patient=await chosen_one(visit, typed.get("patient", "")),
        found=found,
        sought=problem,
        kinds=kinds(who.lines),
        who=who,
        problems=problems,
        today=visit.today,
    )


async def add(visit: Visit) -> Response:
    """POST: put somebody on the list."""
    desk, caller = here(visit)
    sent = await fields(visit.request)
    problems = {}
    if await chosen_one(visit, sent.get("patient", "")) is None:
        problems["q"] = mark("Choose the patient from the list.")
    who = await schedules(visit)
    made = asked_for(visit, who, sent, problems)
    if problems or made is None:
        return await _adding(visit, sent, problems)
    search, concept, more = made
    await desk.wait(caller, search, f"Patient/{sent['patient']}", concept, more)
    return redirect("/desk/waiting?said=added")


def asked_for(
    visit: Visit, who: Roster, sent: dict[str, str], problems: dict[str, str]
) -> tuple[Search, Tree, tuple[tuple[str, Tree | list[Tree]], ...]] | None:
    """What a form wishes: the search, the kind of visit, and a note; None where that cannot be."""
    chosen = next((one for one in kinds(who.lines) if one.key == sent.get("type")), None)
    if chosen is None:
        problems["type"] = mark("Choose a kind of visit.")
    of = sent.get("of", "")
    if of and not who.of(of):
        problems["of"] = mark("Choose one of the list.")
    zone = who.zone(next((line.zone for line in who.of(of)), ""))
    try:
        first = max(day_in(sent.get("first", ""), visit.today), visit.today)
        last = day_in(sent.get("last", ""), first)
    except Incorrect:
        problems["first"] = mark("Write days as 2030-12-31.")
        return None
    if last < first:
        problems["last"] = mark("The last day is before the first.")
    if (last - first).days > 366:
        problems["last"] = mark("Somebody waits for a year at most.")
    note = sent.get("note", "").strip()
    if len(note) > _MOST_NOTE:
        problems["note"] = mark("This is too long.")
    if problems or chosen is None:
        return None
    low, high = bounds(first, last, zone)
    search = search_of(low, high, [of] if of else [], chosen.token)
    system, code = chosen.token
    coding = {"system": system, "code": code} if system else {"code": code}
    concept: Tree = {"coding": [{**coding, "display": chosen.name}], "text": chosen.name}
    noted: list[tuple[str, Any]] = [("created", visit.today.isoformat())]
    noted += [("comment", note)] if note else []
    return search, concept, tuple(noted)


async def offering(visit: Visit, problem: str = "") -> Response:
    """GET /desk/waiting/{id}: times that can be offered."""
    record = await visit.reader.read("Appointment", visit.path("id"))
    who = await schedules(visit)
    (row,) = await wishes(visit, who, [("_id", visit.path("id"))])
    whom = [a for a in actors(record.tree) if a.partition("/")[0] in (*_GIVERS, "Location")]
    kind = kind_of(who.lines, record.tree)
    period = (record.tree.get("requestedPeriod") or [{}])[0]
    first = ""
    if "start" in period:
        zone = zone_of(who, tuple(whom))
        first = local(moment_of(period["start"]), zone).date().isoformat()
    values = await offered(
        visit, who, kind.key if kind else "", next(iter(whom), ""), sent_day=first
    )
    return visit.render(
        "calendar/offer.html",
        409 if problem else 200,
        **values,
        row=row,
        waits=record.tree.get("status") == "waitlist",
        problem=problem,
        patients=await people(visit, [row.patient]),
    )


async def change(visit: Visit) -> Response:
    """POST: offer a time, end an offer, or take the wish off the list."""
    desk, caller = here(visit)
    sent = await fields(visit.request)
    id = visit.path("id")
    reason = (names.CANCEL_REASON, "other", "")
    try:
        if sent.get("do") == "withdraw":
            await desk.cancel(caller, id, reason)
            return redirect("/desk/waiting?said=withdrawn")
        if sent.get("do") == "end":
            await desk.cancel(caller, sent.get("offer", ""), reason)
            return redirect("/desk/waiting?said=ended")
        wanted = await whole(visit, times.wanted(sent.get("at", "")))
        await offer(desk, caller, id, wanted)
    except Unavailable:
        return await offering(visit, GONE)
    except Conflict:
        return await offering(visit, ANSWERED)
    return redirect("/desk/waiting?said=offered")
