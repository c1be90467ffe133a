"""What the pages of a patient's visits read: who can be booked, by name, and the clocks."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from starlette.responses import Response

from careplane.access.caller import acts_as_patient
from careplane.kernel.errors import Forbidden
from careplane.telehealth.scheduling.availability import reading
from careplane.telehealth.scheduling.availability.rules import Terms
from careplane.telehealth.scheduling.finding import Search
from careplane.web.agenda.kinds import Kind, kinds
from careplane.web.agenda.roster import Line, Roster
from careplane.web.pages.calendar.reading import free, here, named
from careplane.web.visit import Handler, Visit

_MOMENT = 60_000_000


def patients(handler: Handler) -> Handler:
    """A page for a patient, or for who acts for one."""

    async def guarded(visit: Visit) -> Response:
        _, caller = here(visit)
        if not acts_as_patient(caller) or not caller.patient:
            raise Forbidden("These pages are a patient's own; the desk has the calendar.")
        return await handler(visit)

    return guarded


async def bookable(visit: Visit) -> Roster:
    """Whom visits can be booked with. Patients read no Schedules: what is told of them is what
    finding a time tells."""
    now = visit.web.clock()
    found = await free(visit, Search(now, now + _MOMENT))
    return await named(visit, [one.place.schedule for one in found.found])


def offered(who: Roster) -> list[Kind]:
    """The kinds of visits that patients book themselves."""
    return [one for one in kinds(who.lines) if not one.staff_only]


def mine(visit: Visit, usual: ZoneInfo) -> ZoneInfo:
    """The clock that the person chose, or that their browser has; that of the place otherwise."""
    own = visit.audience
    return usual if own.zone == visit.web.zone else own.clock


def terms(line: Line | None) -> Terms:
    """What was agreed for a schedule."""
    if line is None:
        return Terms()
    return reading.read(line.tree, (reading.UTC,)).terms
