"""The desk: carries out what is asked about visits, each as one step of the door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from msgspec import structs

from careplane.access.caller import Caller, acts_as_patient
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Forbidden, Incorrect, Issue
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records import rights
from careplane.records.door import Door
from careplane.records.results import Acted, Version
from careplane.telehealth.scheduling import booking, finding, looking, visit, waiting_list
from careplane.telehealth.scheduling.asks import held_by, of_wanted, spans_of, stored
from careplane.telehealth.scheduling.availability.recurrence import Recurrence
from careplane.telehealth.scheduling.booking import Asker
from careplane.telehealth.scheduling.place import around, schedules
from careplane.telehealth.scheduling.proposals import Proposals, id_of
from careplane.telehealth.scheduling.refusals import Unavailable
from careplane.telehealth.scheduling.visit import Wanted

More = tuple[tuple[str, Tree | list[Tree]], ...]


@dataclass(frozen=True, slots=True)
class Proposed:
    """The answer of $find: proposed Appointments, how many times there are, and notices."""

    appointments: list[Tree]
    total: int
    issues: list[Issue]


@dataclass(frozen=True, slots=True)
class Desk:
    """`overbookers` are the roles that may book beyond the capacity of a rule."""

    door: Door
    proposals: Proposals
    clock: Clock
    new_id: NewId
    overbookers: frozenset[str] = field(default=frozenset())

    async def find(
        self,
        caller: Caller,
        search: finding.Search,
        count: int,
        patients: Sequence[str],
        more: More,
    ) -> Proposed:
        """At most `count` proposals. Forbidden for who may search no Appointments."""
        patients = _own(caller, patients)
        asker = self.asker(caller)

        def decide(seen: c.Seen) -> c.Decided:
            return c.Decided(answer=finding.times(seen, search, asker))

        act = c.Act(
            "$find",
            (
                lambda seen: finding.actors(search),
                lambda seen: finding.candidates(search, seen),
                lambda seen: schedules(finding.ids(seen)),
                *around(finding.ids, lambda seen: [(search.start, search.end)]),
            ),
            decide,
            needs=(("s", "Appointment"),),
            about=finding.about(search),
        )
        times = cast(finding.Times, (await self.door.act(caller, act)).answer)
        shown = times.found[:count]
        kinds = tuple(dict.fromkeys((p.id, o.visit.code, o.visit.minutes) for p, o in shown))
        prefix = ""
        if shown:
            prefix = await self.proposals.keep(caller.tenant, kinds, tuple(patients), more)
        made = []
        for place, opening in shown:
            kind = kinds.index((place.id, opening.visit.code, opening.visit.minutes))
            id = id_of(prefix, kind, opening.start)
            wanted = Wanted(
                place.id, opening.start, opening.end, opening.visit.code, tuple(patients), more
            )
            made.append(visit.appointment(place, opening, wanted, id, "proposed"))
        return Proposed(made, len(times.found), times.issues)

    async def hold(self, caller: Caller, id: str) -> Version:
        """Hold what $find proposed under this id."""
        return await self.hold_for(caller, await self.proposed(caller, id))

    async def hold_for(self, caller: Caller, wanted: Wanted, *extensions: Tree) -> Version:
        """Hold a time; with extensions it is an offer, and held for as long as one is."""
        patients = _own(caller, wanted.patients)
        wanted = replace(wanted, patients=tuple(patients))
        asker, new = self.asker(caller), self.new_id()

        def decide(seen: c.Seen) -> c.Decided:
            return booking.hold(seen, asker, wanted, new, *extensions)

        act = of_wanted("$hold", wanted, decide)
        if asker.is_patient:
            act = structs.replace(act, asks=(*act.asks, lambda seen: held_by(patients)))
        return _first(await self.door.act(caller, act))

    async def book(
        self,
        caller: Caller,
        id: str,
        patients: Sequence[str] = (),
        comment: str = "",
        *,
        overbook: bool = False,
        newcomers: Sequence[Tree] = (),
        more: More = (),
    ) -> Version:
        """Book what is held, or was proposed, under this id. `newcomers` are Patients who are
        registered in the same step, `more` elements that the Appointment has besides."""
        wanted = await self.proposals.wanted(caller.tenant, id)
        comments: More = (("comment", cast(Tree, comment)),) if comment else ()
        comments = (*more, *comments)
        if wanted is None:
            return await self._confirm(caller, id, patients, comments, overbook, newcomers)
        wanted = replace(
            wanted,
            patients=tuple(dict.fromkeys((*wanted.patients, *patients))),
            more=(*wanted.more, *comments),
        )
        found = await self.book_all(caller, [wanted], overbook=overbook, newcomers=newcomers)
        return found[0]

    async def book_all(
        self,
        caller: Caller,
        wanted: Sequence[Wanted],
        *,
        overbook: bool = False,
        newcomers: Sequence[Tree] = (),
        why: str = "",
    ) -> tuple[Version, ...]:
        """Book times, all or none of them. `why` is the reason for overbooking."""
        people, registered = self._registered(newcomers)
        wanted = [replace(one, patients=(*one.patients, *people)) for one in wanted]
        if not wanted[0].patients:
            raise Incorrect("A visit is booked for a patient; name one with patient-resource.")
        _own(caller, wanted[0].patients)
        asker = self.asker(caller, overbook, why)
        new = [self.new_id() for _ in wanted]

        def decide(seen: c.Seen) -> c.Decided:
            decided = booking.book(seen, asker, wanted, new)
            return c.Decided((*registered, *decided.writes), about=decided.about)

        act = of_wanted("$book", wanted[0], decide, [(one.start, one.end) for one in wanted])
        return _visits(await self.door.act(caller, act))

    async def series(
        self,
        caller: Caller,
        first: Wanted,
        repeats: Recurrence,
        count: int,
        *,
        overbook: bool = False,
        newcomers: Sequence[Tree] = (),
        why: str = "",
    ) -> tuple[Version, ...]:
        """Book a visit and those that follow by a recurrence, at the same time of the clock."""
        if not 1 <= count <= looking.MOST_VISITS:
            raise Incorrect(f"A series has 1 to {looking.MOST_VISITS} visits; say so with count.")
        found = await looking.starts(self.door, caller, first, repeats, count)
        wanted = [first.at(start) for start in found]
        return await self.book_all(caller, wanted, overbook=overbook, newcomers=newcomers, why=why)

    async def move(
        self, caller: Caller, id: str, wanted: Wanted, *, overbook: bool = False, why: str = ""
    ) -> Version:
        """Book what is booked at another time instead."""
        asker = self.asker(caller, overbook, why)

        def decide(seen: c.Seen) -> c.Decided:
            return booking.move(seen, asker, id, wanted)

        def spans(seen: c.Seen) -> list[tuple[int, int]]:
            return [(wanted.start, wanted.end), *spans_of(seen, [id])]

        asks = (*stored([id], extra=(wanted.schedule,), spans=spans),)
        return _first(await self.door.act(caller, c.Act("$book", asks, decide, about=_at(id))))

    async def cancel(
        self, caller: Caller, id: str, reason: tuple[str, str, str], *, series: bool = False
    ) -> tuple[Version, ...]:
        """Cancel a visit; with those of its series that follow."""
        asker = self.asker(caller)
        ids = [id, *(await looking.followers(self.door, caller, id) if series else ())]

        def decide(seen: c.Seen) -> c.Decided:
            return booking.cancel(seen, asker, ids, reason)

        return _visits(
            await self.door.act(caller, c.Act("$cancel", stored(ids), decide, about=_at(id)))
        )

    async def wait(
        self, caller: Caller, search: finding.Search, patient: str, concept: Tree | None, more: More
    ) -> Version:
        """Put a patient on the waiting list (`Appointment.status` waitlist)."""
        _own(caller, [patient])
        id = self.new_id()
        tree = waiting_list.wish(id, search, patient, concept, more)

        def decide(seen: c.Seen) -> c.Decided:
            return c.Decided((c.Write("Appointment", id, tree),), about=_at(id))

        return _first(await self.door.act(caller, c.Act("$wait", (), decide)))

    async def no_show(self, caller: Caller, id: str) -> Version:
        """Note that a patient did not come."""
        if acts_as_patient(caller):
            raise Forbidden("Whether a patient came is noted by staff.")
        asker = self.asker(caller)

        def decide(seen: c.Seen) -> c.Decided:
            return booking.no_show(seen, asker, id)

        asks = (lambda seen: c.Asking(changes=(("Appointment", id),)),)
        return _first(await self.door.act(caller, c.Act("$no-show", asks, decide, about=_at(id))))

    def asker(self, caller: Caller, overbook: bool = False, why: str = "") -> Asker:
        """Raises Forbidden where somebody wants to overbook who may not."""
        if overbook and not self.may_overbook(caller):
            raise Forbidden("This caller may not book beyond what a schedule offers.")
        return Asker(self.clock(), acts_as_patient(caller), overbook, why)

    def may_overbook(self, caller: Caller) -> bool:
        """By role, or who keeps the installation."""
        if acts_as_patient(caller):
            return False
        if not self.overbookers.isdisjoint(caller.roles):
            return True
        try:
            rights.administrator(caller)
        except Forbidden:
            return False
        return not caller.roles

    async def proposed(self, caller: Caller, id: str, patients: Sequence[str] = ()) -> Wanted:
        """What $find proposed under this id, for these patients as well. Raises Unavailable."""
        wanted = await self.proposals.wanted(caller.tenant, id)
        if wanted is None:
            text = "This is no time that was proposed within the last hour; find a time anew."
            raise Unavailable(text, "Parameters.parameter")
        everybody = tuple(dict.fromkeys((*wanted.patients, *patients)))
        return replace(wanted, patients=everybody)

    async def _confirm(
        self,
        caller: Caller,
        id: str,
        patients: Sequence[str],
        more: More,
        overbook: bool,
        newcomers: Sequence[Tree],
    ) -> Version:
        people, registered = self._registered(newcomers)
        patients = (*patients, *people)
        _own(caller, patients)
        asker = self.asker(caller, overbook)

        def decide(seen: c.Seen) -> c.Decided:
            decided = booking.confirm(seen, asker, id, patients, more)
            return c.Decided((*registered, *decided.writes), about=decided.about)

        act = c.Act("$book", stored([id]), decide, about=_at(id))
        return _first(await self.door.act(caller, act))

    def _registered(self, newcomers: Sequence[Tree]) -> tuple[list[str], list[c.Write]]:
        """References to them, and what registers them."""
        writes = [c.Write("Patient", self.new_id(), tree) for tree in newcomers]
        return [f"Patient/{write.id}" for write in writes], writes


def _own(caller: Caller, patients: Sequence[str]) -> Sequence[str]:
    """The patients; the caller, where that is a patient who names nobody."""
    if not acts_as_patient(caller):
        return patients
    if any(one != f"Patient/{caller.patient}" for one in patients):
        raise Forbidden("A patient books visits of their own.")
    return [f"Patient/{caller.patient}"]


def _visits(acted: Acted) -> tuple[Version, ...]:
    versions = (_version(one.version) for one in acted.written)
    return tuple(version for version in versions if version.type == "Appointment")


def _first(acted: Acted) -> Version:
    return _visits(acted)[0]


def _version(version: Version | None) -> Version:
    assert version is not None
    return version


def _at(id: str) -> str:
    return f"Appointment/{id}"
