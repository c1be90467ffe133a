"""Offers to who waits, and the end of holds, each as one step of the door in the service's name."""

from __future__ import annotations

from typing import cast

from careplane.access.caller import Caller
from careplane.kernel.clock import Clock
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.door import Door
from careplane.telehealth.scheduling import finding, waiting_list
from careplane.telehealth.scheduling.asks import stored
from careplane.telehealth.scheduling.booking import Asker
from careplane.telehealth.scheduling.occupancy import held_until
from careplane.telehealth.scheduling.place import around, schedules
from careplane.telehealth.scheduling.visit import Wanted, patients_in

_OFFERS = "offers"
_AHEAD = finding.MOST_DAYS * 86_400_000_000


class Offering:
    """In the name of `caller`, which is this server."""

    def __init__(self, door: Door, caller: Caller, clock: Clock, new_id: NewId) -> None:
        self._door = door
        self._caller = caller
        self._clock = clock
        self._new_id = new_id

    async def offer(self, id: str) -> bool:
        """Hold the first time that answers a wish, unless it has an offer already; whether there
        was one."""
        wanted = await self._first(id)
        if wanted is None:
            return False
        new, asker = self._new_id(), self._asker()

        def decide(seen: c.Seen) -> c.Decided:
            return waiting_list.offer(seen, asker, wanted, new, id)

        act = c.Act(
            "$offer",
            (
                lambda seen: c.Asking(changes=(("Appointment", id),)),
                lambda seen: schedules([wanted.schedule]),
                around(lambda seen: [wanted.schedule], lambda seen: [(wanted.start, wanted.end)]),
            ),
            decide,
            about=f"Appointment/{id}",
        )
        return bool((await self._door.act(self._caller, act)).written)

    async def lapse(self, id: str) -> None:
        """End a hold."""
        asker = self._asker()

        def decide(seen: c.Seen) -> c.Decided:
            return waiting_list.lapse(seen, asker, id)

        act = c.Act("$lapse", stored([id]), decide, about=f"Appointment/{id}")
        await self._door.act(self._caller, act)

    async def _first(self, id: str) -> Wanted | None:
        asker = self._asker()

        def search(seen: c.Seen) -> finding.Search | None:
            tree = seen.records.get(("Appointment", id))
            if tree is None or tree.get("status") != "waitlist" or _is_offered(seen, asker.now):
                return None
            return waiting_list.search_of(tree)

        def candidates(seen: c.Seen) -> c.Asking:
            asked = search(seen)
            return finding.candidates(asked, seen) if asked else c.Asking()

        def span(seen: c.Seen) -> list[tuple[int, int]]:
            asked = search(seen)
            now = asker.now
            low, high = (max(asked.start, now), min(asked.end, now + _AHEAD)) if asked else (0, 0)
            return [(low, high)] if high > low else []

        def decide(seen: c.Seen) -> c.Decided:
            asked = search(seen)
            if asked is None or not span(seen):
                return c.Decided()
            tree = seen.records["Appointment", id]
            before = waiting_list.offered_before(tree)
            found = finding.first(seen, asked, asker, before)
            if found is None:
                return c.Decided()
            (place, opening), why = found, [{"reference": f"Appointment/{id}"}]
            wanted = Wanted(
                place.id,
                opening.start,
                opening.end,
                opening.visit.code,
                patients_in(tree),
                (("supportingInformation", why),),
            )
            return c.Decided(answer=wanted)

        act = c.Act(
            "$offer",
            (
                lambda seen: c.Asking(changes=(("Appointment", id),), looks=(_offers(id),)),
                candidates,
                lambda seen: schedules(finding.ids(seen)),
                around(finding.ids, span),
            ),
            decide,
            about=f"Appointment/{id}",
        )
        return cast("Wanted | None", (await self._door.act(self._caller, act)).answer)

    def _asker(self) -> Asker:
        """As a patient: what could not be booked any more is not offered."""
        return Asker(self._clock(), is_patient=True)


def _offers(id: str) -> c.Look:
    criteria = f"supporting-info=Appointment/{id}&status=pending"
    return c.Look(_OFFERS, "Appointment", criteria)


def _is_offered(seen: c.Seen, now: int) -> bool:
    return any((held_until(tree) or 0) > now for tree in seen.found.get(_OFFERS, ()))
