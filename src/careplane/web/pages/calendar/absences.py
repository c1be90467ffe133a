"""The visits that an absence meets, and what is done with them: moved, cancelled, put to wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.responses import Response

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Incorrect
from careplane.telehealth.scheduling import absence
from careplane.telehealth.scheduling.absence import How
from careplane.telehealth.scheduling.availability.openings import moment
from careplane.telehealth.scheduling.occupancy import moment_of
from careplane.telehealth.scheduling.visit import instant
from careplane.web.agenda.clock import bounds, day_in, local, time_in
from careplane.web.agenda.roster import Roster
from careplane.web.agenda.visits import Shown, shown
from careplane.web.chart.banner import Person
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages.calendar.reading import here, patients, schedules, visits
from careplane.web.visit import Visit, redirect
from careplane.words.dates import long_day

_LONGEST = 400
_FIELDS = ("of", "first", "last", "from", "to")
_MOST = 100
HOWS: dict[How, str] = {
    "later": mark("Move each to the first free time of the same person after this"),
    "colleague": mark("Move each to the first free time of whoever offers this kind of visit"),
    "wait": mark("Cancel, and put the patients on the waiting list for a time after this"),
    "cancel": mark("Cancel"),
}


@dataclass(frozen=True, slots=True)
class Meets:
    """A visit in the time of an absence."""

    row: Shown
    patient: Person | None
    day: str


async def met(visit: Visit, who: Roster, sent: dict[str, str]) -> list[Meets]:
    """Visits that are booked in the time of the fields, in order; at most a hundred."""
    found = await _booked(visit, who, sent)
    rows = [shown(tree, _zone(who, sent)) for tree in found[:_MOST]]
    named = await patients(visit, rows)
    zone = _zone(who, sent)
    return [
        Meets(row, named.get(row.patient), long_day(local(row.start, zone).date())) for row in rows
    ]


async def arrange(visit: Visit) -> Response:
    """POST /desk/block/visits: `how`, and a field `v-ID` for each visit that is chosen."""
    desk, caller = here(visit)
    sent = await fields(visit.request, _MOST + 20)
    how = next((one for one in absence.HOWS if one == sent.get("how")), None)
    if how is None:
        raise Incorrect("Choose what to do with the visits.")
    who = await schedules(visit)
    _, after = _span(visit, who, sent)
    whom = (sent["of"],)
    done = left = 0
    for tree in await _booked(visit, who, sent):
        if f"v-{tree['id']}" not in sent:
            continue
        try:
            await absence.rearrange(desk, caller, tree, how, whom, after, visit.today)
            done += 1
        except Conflict:
            left += 1
    return redirect(f"/desk/block?done={done}&left={left}&{query(sent)}")


def told(visit: Visit) -> tuple[int, int] | None:
    """How many visits were rearranged, and how many could not be; None where none were."""
    done, left = visit.query("done"), visit.query("left")
    if not (done.isascii() and done.isdigit() and left.isascii() and left.isdigit()):
        return None
    return int(done[:4]), int(left[:4])


def query(sent: dict[str, str]) -> str:
    """The address's part that shows what a blocked time meets."""
    return urlencode({"blocked": "1", "met": "1", **{name: sent.get(name, "") for name in _FIELDS}})


def query_of(whom: str, period: Tree) -> str:
    """As `query`, of a closing that is there."""
    start, end = str(period.get("start", "")), str(period.get("end", ""))
    hours = {"from": start[11:16], "to": end[11:16]} if len(start) > 10 else {}
    return query({"of": whom, "first": start[:10], "last": end[:10], **hours})


def period(
    visit: Visit, sent: dict[str, str], zone: ZoneInfo, problems: dict[str, str]
) -> dict[str, str]:
    """Of days, or of hours at the clock of the place."""
    today = local(visit.web.clock(), zone).date()
    try:
        first = day_in(sent.get("first", ""), today)
        last = day_in(sent.get("last", ""), first)
    except Incorrect:
        problems["first"] = mark("Write days as 2030-12-31.")
        return {}
    if last < first or (last - first).days > _LONGEST:
        problems["last"] = mark("The last day is before the first, or more than a year later.")
        return {}
    begin, end = sent.get("from", "").strip(), sent.get("to", "").strip()
    if not begin and not end:
        return {"start": first.isoformat(), "end": last.isoformat()}
    try:
        low, high = moment(first, time_in(begin), zone), moment(last, time_in(end), zone)
    except Incorrect:
        problems["from"] = mark("Write both times of day as 09:30, or none for whole days.")
        return {}
    if high <= low:
        problems["to"] = mark("This ends before it begins.")
        return {}
    return {"start": instant(low, zone), "end": instant(high, zone)}


async def _booked(visit: Visit, who: Roster, sent: dict[str, str]) -> list[Tree]:
    low, high = _span(visit, who, sent)
    trees, _ = await visits(visit, who.roles(sent["of"]), low, high)
    zone = _zone(who, sent)
    rows = ((tree, shown(tree, zone)) for tree in trees)
    now = visit.web.clock()
    return [tree for tree, row in rows
            if row.status == "booked" and row.end > low and row.start > now]  # fmt: skip


def _zone(who: Roster, sent: dict[str, str]) -> ZoneInfo:
    return who.zone(next((line.zone for line in who.of(sent.get("of", ""))), ""))


def _span(visit: Visit, who: Roster, sent: dict[str, str]) -> tuple[int, int]:
    """From when to when somebody is away. Raises Incorrect."""
    zone, problems = _zone(who, sent), dict[str, str]()
    if not who.of(sent.get("of", "")):
        raise Incorrect("Choose one of the list.")
    found = period(visit, sent, zone, problems)
    if problems:
        raise Incorrect("This time of absence cannot be read; fill in the form anew.")
    if len(found["start"]) > 10:
        return moment_of(found["start"]), moment_of(found["end"])
    return bounds(date.fromisoformat(found["start"]), date.fromisoformat(found["end"]), zone)
