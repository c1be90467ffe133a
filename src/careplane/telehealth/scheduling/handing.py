"""A time offered by hand to somebody on the waiting list."""

from __future__ import annotations

from dataclasses import replace

from careplane.access.caller import Caller, acts_as_patient
from careplane.kernel.errors import Forbidden
from careplane.records import commands as c
from careplane.records.results import Version
from careplane.telehealth.scheduling import waiting_list
from careplane.telehealth.scheduling.asks import offers_of
from careplane.telehealth.scheduling.desk import Desk
from careplane.telehealth.scheduling.occupancy import held_until
from careplane.telehealth.scheduling.place import around, schedules
from careplane.telehealth.scheduling.refusals import Unavailable, Unfit
from careplane.telehealth.scheduling.visit import Wanted, patients_in


async def offer(desk: Desk, caller: Caller, wish: str, wanted: Wanted) -> Version:
    """Hold a time for who waits, as long as offers last. Raises Unfit where the wish is answered or
    has an offer, Unavailable where the time is gone."""
    if acts_as_patient(caller):
        raise Forbidden("Times are offered by staff.")
    new, asker = desk.new_id(), desk.asker(caller)

    def decide(seen: c.Seen) -> c.Decided:
        tree = seen.records.get(("Appointment", wish))
        if tree is None or tree.get("status") != "waitlist":
            raise Unfit("This wish is answered, or withdrawn.")
        if any((held_until(one) or 0) > asker.now for one in seen.found["offers"]):
            raise Unfit("There is an offer already; it can be booked, or ended.")
        why = [{"reference": f"Appointment/{wish}"}]
        one = replace(
            wanted,
            patients=patients_in(tree),
            more=(*wanted.more, ("supportingInformation", why)),
        )
        return waiting_list.offer(seen, asker, one, new, wish)

    act = c.Act(
        "$offer",
        (
            lambda seen: c.Asking(changes=(("Appointment", wish),), looks=(offers_of(wish),)),
            lambda seen: schedules([wanted.schedule]),
            *around(lambda seen: [wanted.schedule], lambda seen: [(wanted.start, wanted.end)]),
        ),
        decide,
        about=f"Appointment/{wish}",
    )
    acted = await desk.door.act(caller, act)
    found = [one.version for one in acted.written if one.version and one.version.id == new]
    if not found:
        raise Unavailable("This time is gone; offer another one.")
    return found[0]
