"""Offers to who waits, and the end of holds, each as one step of the door in the service's name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from careplane.access.caller import Caller
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.door import Door
from careplane.telehealth.scheduling import booking, finding, waiting_list
from careplane.telehealth.scheduling.asks import offers_of, stored
from careplane.telehealth.scheduling.booking import Asker
from careplane.telehealth.scheduling.occupancy import held_until, moment_of
from careplane.telehealth.scheduling.place import around, place_in, schedules
from careplane.telehealth.scheduling.visit import Wanted, patients_in

_TAKEN = frozenset({"busy", "busy-tentative"})
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
                *around(lambda seen: [wanted.schedule], lambda seen: [(wanted.start, wanted.end)]),
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

    async def settle(self, id: str, slots: Sequence[str]) -> None:
        """Free Slots that a visit took which was ended by another way than the desk's, unless
        somebody else is there."""
        asker = self._asker()

        def known(seen: c.Seen) -> list[Tree]:
            found = (seen.records.get(("Slot", slot)) for slot in slots)
            return [one for one in found if one and one["status"] in _TAKEN]

        def schedule_ids(seen: c.Seen) -> list[str]:
            return [str(one["schedule"]["reference"]).rpartition("/")[2] for one in known(seen)]

        def spans(seen: c.Seen) -> list[tuple[int, int]]:
            return [(moment_of(one["start"]), moment_of(one["end"])) for one in known(seen)]

        def decide(seen: c.Seen) -> c.Decided:
            writes = []
            tree = seen.records.get(("Appointment", id), {"id": id})
            for one, schedule in zip(known(seen), schedule_ids(seen), strict=True):
                if ("Schedule", schedule) in seen.records:
                    there = [{"reference": f"Slot/{one['id']}"}]
                    past = {**tree, "start": one["start"], "end": one["end"], "slot": there}
                    writes += booking.freed(seen, place_in(seen, schedule), past, asker.now)
            return c.Decided(tuple(one for one in writes if one.tree["status"] == "free"))

        act = c.Act(
            "$settle",
            (
                lambda seen: c.Asking(
                    reads=(("Appointment", id), *(("Slot", slot) for slot in slots))
                ),
                lambda seen: schedules(schedule_ids(seen)),
                *around(schedule_ids, spans),
            ),
            decide,
            about=f"Appointment/{id}",
        )
        await self._door.act(self._caller, act)

    async def _first(self, id: str) -> Wanted | None:
        asker = self._asker()

        def search(seen: c.Seen) -> finding.Search | None:
            tree = seen.records.get(("Appointment", id))
            if tree is None or tree.get("status") != "waitlist" or _is_offered(seen, asker.now):
                return None
            return waiting_list.search_of(tree)

        def actors(seen: c.Seen) -> c.Asking:
            asked = search(seen)
            return finding.actors(asked) if asked else c.Asking()

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
                lambda seen: c.Asking(changes=(("Appointment", id),), looks=(offers_of(id),)),
                actors,
                candidates,
                lambda seen: schedules(finding.ids(seen)),
                *around(finding.ids, span),
            ),
            decide,
            about=f"Appointment/{id}",
        )
        return cast("Wanted | None", (await self._door.act(self._caller, act)).answer)

    def _asker(self) -> Asker:
        """As a patient: what could not be booked any more is not offered."""
        return Asker(self._clock(), is_patient=True)


def _is_offered(seen: c.Seen, now: int) -> bool:
    return any((held_until(tree) or 0) > now for tree in seen.found.get("offers", ()))
