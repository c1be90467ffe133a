"""The calendar: a day of everybody, or a week of one person or room, as a table of links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.responses import Response

from careplane.fhir.tree import Tree
from careplane.telehealth.scheduling.calendars.diary import Diaries, Diary
from careplane.telehealth.scheduling.calendars.model import (
    Cell,
    Strand,
    Table,
    changes,
    table,
    week_of,
)
from careplane.telehealth.scheduling.occupancy import moment_of
from careplane.web.agenda.clock import bounds, day_in, hour, local
from careplane.web.agenda.roster import Roster
from careplane.web.agenda.times import key
from careplane.web.agenda.visits import actors, shown
from careplane.web.pages.calendar.finding import search_of
from careplane.web.pages.calendar.reading import free, patients, schedules, tabs, visits
from careplane.web.visit import Visit
from careplane.words import dates

STEPS = (10, 15, 20, 30, 60)
_COLUMNS = 8
"""How many people or rooms stand beside each other."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked at: `of` is one person or room, empty for all; `page` which of them."""

    view: str
    by: str
    of: str
    day: date
    zone: ZoneInfo
    step: int
    page: int = 0

    @property
    def days(self) -> tuple[date, ...]:
        """The days that are shown."""
        return week_of(self.day) if self.view == "week" else (self.day,)

    def url(self, **other: object) -> str:
        """The address of this page, with something else."""
        own = {"view": self.view, "by": self.by, "of": self.of, "day": self.day,
               "zone": self.zone.key, "step": self.step, "page": self.page}  # fmt: skip
        pairs = {name: value for name, value in {**own, **other}.items() if value not in ("", 0)}
        return "/desk?" + urlencode(pairs)


async def show(visit: Visit) -> Response:
    """GET /desk."""
    who = await schedules(visit)
    asked, shown_of = _asked(visit, who)
    low, high = bounds(asked.days[0], asked.days[-1], asked.zone)
    whom = sorted({one for of in shown_of for one in who.roles(of)})
    trees, cut = await visits(visit, whom, low, high)
    diaries = Diaries(())
    if shown_of:
        diaries = await free(visit, search_of(low, high, shown_of))
    found = diaries.found
    if not asked.step:
        asked = replace(asked, step=_usual(found))
    strands = _strands(asked, who, shown_of, trees, found)
    drawn = table(strands, asked.zone, asked.step)
    rows = {one.id: one for one in (shown(tree, asked.zone) for tree in trees)}
    return visit.render(
        "calendar/calendar.html",
        desk_tabs=tabs(visit),
        asked=asked,
        who=who,
        choices=who.rooms if asked.by == "room" else who.people,
        heads=[_head(asked, who, one) for one in strands],
        table=drawn,
        links=_links(asked, drawn, found) if visit.may("c", "Appointment") else {},
        rows=rows,
        hours={start: hour(start, asked.zone) for one in strands for start in one.free},
        patients=await patients(visit, rows.values()),
        caption=_caption(asked, who),
        changed=[dates.long_day(day) for day in asked.days if changes(day, asked.zone)],
        offset=f"{local(low, asked.zone):%z}",
        issues=[one.text for one in diaries.issues],
        cut=cut,
        steps=STEPS,
        pages=_pages(asked, who),
        today_is=local(visit.web.clock(), asked.zone).date(),
    )


def _asked(visit: Visit, who: Roster) -> tuple[Asked, list[str]]:
    """What the address says, and whose columns are shown."""
    by = "room" if visit.query("by") == "room" else "practitioner"
    choices = [one for one, _ in (who.rooms if by == "room" else who.people)]
    of = visit.query("of")
    mine = visit.caller.id if visit.caller else ""
    if not visit.query("view") and not of and by == "practitioner" and mine in choices:
        of = mine
    of = of if of in choices else ""
    view = visit.query("view") or ("week" if of else "day")
    if view == "week" and not of:
        of = next(iter(choices), "")
    lines = who.of(of) if of else ()
    zone = who.zone(visit.query("zone") or next((one.zone for one in lines), ""))
    today = local(visit.web.clock(), zone).date()
    step = next((one for one in STEPS if str(one) == visit.query("step")), 0)
    text = visit.query("page")
    page = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    day = day_in(visit.query("day"), today)
    asked = Asked("week" if view == "week" else "day", by, of, day, zone, step, page)
    if of:
        return asked, [of]
    here = [one for one in choices if any(line.zone == zone.key for line in who.of(one))]
    return asked, here[page * _COLUMNS : (page + 1) * _COLUMNS]


def _usual(found: Sequence[Diary]) -> int:
    """Rows as long as the steps of the rules that are shown, where that goes."""
    least = min((rule.step for one in found for rule in one.place.availability.rules), default=30)
    return max((step for step in STEPS if least % step == 0), default=15)


def _pages(asked: Asked, who: Roster) -> dict[str, str]:
    """The days before and after, and the next people beside."""
    step = timedelta(days=7 if asked.view == "week" else 1)
    there = len(who.rooms if asked.by == "room" else who.people)
    more = not asked.of and (asked.page + 1) * _COLUMNS < there
    return {
        "before": asked.url(day=asked.day - step),
        "after": asked.url(day=asked.day + step),
        "today": asked.url(day=""),
        "fewer": asked.url(page=asked.page - 1) if asked.page else "",
        "more": asked.url(page=asked.page + 1) if more else "",
    }


def _strands(
    asked: Asked, who: Roster, whom: Sequence[str], trees: Sequence[Tree], found: Sequence[Diary]
) -> list[Strand]:
    """A column for each day of one, or for each one of a day. Days of the weekend on which there is
    nothing are left out of a week."""
    made = []
    for day in asked.days:
        low, high = bounds(day, day, asked.zone)
        for of in whom:
            names = set(who.roles(of))
            mine = tuple(
                t for t in trees
                if names & set(actors(t))
                and moment_of(t["start"]) < high and moment_of(t["end"]) > low
            )  # fmt: skip
            there = [one for one in found if of in one.place.actors]
            open = tuple(s for one in there for s in one.open if s[0] < high and s[1] > low)
            closed = tuple(s for one in there for s in one.closed if s[0] < high and s[1] > low)
            starts = {one.start for d in there for one in d.free if low <= one.start < high}
            strand = Strand(day, of, mine, open, closed, tuple(sorted(starts)))
            if mine or open or asked.view == "day" or day.weekday() < 5:
                made.append(strand)
    return made


def _links(asked: Asked, drawn: Table, found: Sequence[Diary]) -> dict[tuple[int, int], str]:
    """Where a free time is booked, by its column and start: the first kind of visit that has it."""
    where: dict[tuple[str, int], str] = {}
    for diary in found:
        for one in diary.free:
            at = key(diary.id, one.start, one.visit.code)
            for actor in diary.place.actors:
                where.setdefault((actor, one.start), at)
    links = {}
    for row in drawn.rows:
        for number, cell in enumerate(row.cells):
            if isinstance(cell, Cell) and cell.kind == "free":
                at = where[drawn.strands[number].actor, cell.start]
                links[number, cell.start] = "/desk/book?" + urlencode({"at": at})
    return links


def _head(asked: Asked, who: Roster, strand: Strand) -> dict[str, Any]:
    """What a column is called, and where its name leads."""
    name = who.name(strand.actor) if strand.actor else ""
    if asked.view == "week":
        url = asked.url(view="day", day=strand.day, of=strand.actor)
        return {"name": dates.short_day(strand.day), "url": url}
    url = asked.url(view="week", of=strand.actor, page=0)
    return {"name": name, "url": url}


def _caption(asked: Asked, who: Roster) -> dict[str, str]:
    first, last = asked.days[0], asked.days[-1]
    return {
        "name": who.name(asked.of) if asked.of else "",
        "first": dates.long_day(first) if first == last else dates.day(first),
        "last": dates.long_day(last) if first == last else dates.day(last),
    }
