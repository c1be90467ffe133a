"""Booking for somebody else: a time, a patient who is there or new, how it is held, how often."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from careplane.kernel.errors import Conflict, Incorrect
from careplane.records.results import Version
from careplane.telehealth.scheduling.availability import recurrence
from careplane.telehealth.scheduling.finding import Search
from careplane.telehealth.scheduling.refusals import TooLate
from careplane.telehealth.scheduling.visit import Wanted
from careplane.web.agenda import newcomer, times
from careplane.web.agenda.clock import bounds, hour, local
from careplane.web.agenda.kinds import kinds
from careplane.web.agenda.visits import shown
from careplane.web.agenda.words import MEDIA, REPEATS
from careplane.web.chart.banner import GENDERS, Person, person
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages.calendar.finding import DAYS, GONE, LATE, whole
from careplane.web.pages.calendar.reading import free, here, must, schedules
from careplane.web.pages.patients import asked
from careplane.web.pages.people_of import people
from careplane.web.visit import Visit, redirect
from careplane.words.dates import long_day

_MOST_TEXT = 1000
_MOST_SERIES = 52
_FOUND = 10
_NEXT = 8


@dataclass(frozen=True)
class Typed:
    """What was typed so far; `problems` are fields and what is wrong with them."""

    values: dict[str, str]
    problems: tuple[tuple[str, str], ...] = ()
    refused: str = ""
    without: int = 0
    others: tuple[times.Day, ...] = field(default=())

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")


async def form(visit: Visit) -> Response:
    """GET /desk/book; `at` is the time, `q` looks for the patient."""
    names = ("at", "patient", "q", "wish", "over")
    return await _form(visit, Typed({name: visit.query(name) for name in names}))


async def book(visit: Visit) -> Response:
    """POST: book it. A time that is gone is told with the next ones; what was typed is kept."""
    sent = await fields(visit.request)
    if sent.get("choose"):
        return await _form(visit, Typed(sent | {"patient": sent["choose"]}))
    if sent.get("do") != "book":
        return await _form(visit, Typed(sent))
    wanted, problems = await _read(visit, sent)
    if problems:
        return await _form(visit, Typed(sent, tuple(problems)), 422)
    desk, caller = here(visit)
    new = [newcomer.patient(sent)] if not sent.get("patient") else []
    over, why = sent.get("over") == "1", sent.get("why", "").strip()
    try:
        found: tuple[Version, ...]
        if sent.get("repeats"):
            every, count = recurrence.read(sent["repeats"]), int(sent["count"])
            found = await desk.series(
                caller, wanted, every, count, overbook=over, newcomers=new, why=why
            )
        else:
            found = await desk.book_all(caller, [wanted], overbook=over, newcomers=new, why=why)
    except Conflict as error:
        refused = LATE if isinstance(error, TooLate) else GONE
        others = tuple(await _others(visit, wanted))
        again = Typed(sent, (), refused, wanted.start, others)
        return await _form(visit, again, 409)
    return redirect(f"/desk/visits/{found[0].id}?said={'series' if found[1:] else 'booked'}")


async def _read(visit: Visit, sent: dict[str, str]) -> tuple[Wanted, list[tuple[str, str]]]:
    problems: list[tuple[str, str]] = []
    wanted = times.wanted(sent.get("at", ""))
    if sent.get("type"):
        wanted = replace(wanted, visit=sent["type"])
    wanted = await whole(visit, wanted)
    if sent.get("patient"):
        if await chosen_one(visit, sent["patient"]) is None:
            problems.append(("q", mark("Choose the patient from the list.")))
        wanted = replace(wanted, patients=(f"Patient/{sent['patient']}",))
    elif newcomer.is_typed(sent):
        problems += newcomer.problems(sent, visit.today)
    else:
        problems.append(("q", mark("Choose a patient, or register a new one.")))
    if sent.get("medium", "") not in ("", *MEDIA):
        problems.append(("medium", mark("Choose one of the list.")))
    more: list[tuple[str, object]] = []
    for name, element in (("reason", "reasonCode"), ("note", "comment")):
        text = sent.get(name, "").strip()
        if len(text) > _MOST_TEXT:
            problems.append((name, mark("This is too long.")))
        elif text:
            more.append((element, [{"text": text}] if element == "reasonCode" else text))
    if sent.get("repeats", "") not in REPEATS:
        problems.append(("repeats", mark("Choose one of the list.")))
    elif sent.get("repeats"):
        count = sent.get("count", "")
        if not (count.isascii() and count.isdigit() and 2 <= int(count[:4]) <= _MOST_SERIES):
            problems.append(("count", mark("A series has 2 to 52 visits.")))
    if sent.get("over") == "1" and not sent.get("why", "").strip():
        problems.append(("why", mark("Say why you book beyond what the schedule offers.")))
    return replace(wanted, more=tuple(more), medium=sent.get("medium", "")), problems


async def _form(visit: Visit, typed: Typed, status: int = 200) -> Response:
    desk, caller = here(visit)
    who = await schedules(visit)
    wanted = times.wanted(typed["at"])
    line = must(who.line(wanted.schedule))
    zone = who.zone(line.zone)
    mine = kinds([line])
    type = typed["type"] or wanted.visit
    kind = next((one for one in mine if one.code == type), None) or next(iter(mine), None)
    if kind is None:
        raise Incorrect("This schedule has no kinds of visits.")
    chosen, (found, problem) = await asyncio.gather(
        chosen_one(visit, typed["patient"]), sought(visit, typed["q"])
    )
    at = local(wanted.start, zone)
    return visit.render(
        "calendar/book.html",
        status,
        typed=typed,
        at=typed["at"],
        hour=hour(wanted.start, zone),
        day=long_day(at.date()),
        clock=zone.key,
        gives=", ".join(map(who.name, line.people)),
        where=who.site(line),
        kinds=mine,
        kind=kind,
        type=kind.code,
        patient=chosen,
        upcoming=await _upcoming(visit, typed["patient"], zone) if chosen else [],
        found=found,
        sought=problem,
        media={code: MEDIA[code] for code in kind.media if code in MEDIA},
        repeats=REPEATS,
        genders=GENDERS,
        may_overbook=desk.may_overbook(caller),
        may_register=visit.offers("Patient"),
        problems=dict(typed.problems),
    )


async def chosen_one(visit: Visit, id: str) -> Person | None:
    """A patient by id; None where the caller finds none."""
    if not id:
        return None
    found = await people(visit, [f"Patient/{id}"])
    return found.get(f"Patient/{id}")


async def sought(visit: Visit, text: str) -> tuple[list[Person], str]:
    """Patients for what was typed, and what is wrong with it."""
    if not text.strip():
        return [], ""
    pairs = [*asked(text.strip()), ("_sort", "family,given"), ("_count", str(_FOUND))]
    page, problem = await visit.reader.attempt("Patient", pairs)
    return [person(tree, visit.today) for tree in page.trees], problem


async def _upcoming(visit: Visit, id: str, zone: Any) -> list[Any]:
    pairs = [
        ("actor", f"Patient/{id}"), ("status", "booked"), ("date", f"ge{visit.today}"),
        ("_sort", "date"), ("_count", "5"),
    ]  # fmt: skip
    page = await visit.reader.glance("Appointment", pairs)
    rows = [shown(tree, zone) for tree in page.trees]
    return [(long_day(local(row.start, zone).date()), row) for row in rows]


async def _others(visit: Visit, wanted: Wanted) -> list[times.Day]:
    """The next times of the same kind, with the same schedule."""
    who = await schedules(visit)
    line = must(who.line(wanted.schedule))
    zone = who.zone(line.zone)
    first = local(max(wanted.start, visit.web.clock()), zone).date()
    low, high = bounds(first, first + timedelta(days=DAYS), zone)
    search = Search(low, high, visits=((None, wanted.visit),))
    found = await free(visit, search, only=line.id)
    return times.days(found.found, who, zone, _NEXT, wanted.start)
