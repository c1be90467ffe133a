"""The operations over visits: $find, $hold and $book of IHE ITI Scheduling 1.0, and what clinics
need besides: $cancel, $no-show, $wait, $slots, $ical and feeds of calendars.

A call that is understood and cannot be granted answers 409 with a Bundle that holds nothing but the
OperationOutcome (ITI-117, 2:3.117.4.2.2); one that is not understood as everywhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Conflict, Incorrect
from careplane.records import commands as c
from careplane.records.bodies import head, whole
from careplane.records.results import Version
from careplane.rest import bundle
from careplane.rest.links import address, with_query
from careplane.rest.operation import Call, Operation
from careplane.rest.outcome import outcome
from careplane.rest.response import Response
from careplane.telehealth.scheduling import definitions as d
from careplane.telehealth.scheduling import names, parameters
from careplane.telehealth.scheduling.calendars import invitation
from careplane.telehealth.scheduling.calendars.feeds import Feeds
from careplane.telehealth.scheduling.desk import Desk
from careplane.telehealth.scheduling.looking import wanted_in
from careplane.telehealth.scheduling.slots import slots

Handler = Callable[[Any, Call], Awaitable[Response]]
_SUBJECTS = frozenset({"Practitioner", "PractitionerRole", "Location", "Patient"})


def _granted(handler: Handler) -> Handler:
    """What cannot be granted is told in a Bundle."""

    @wraps(handler)
    async def answered(self: Any, call: Call) -> Response:
        try:
            return await handler(self, call)
        except Conflict as error:
            return Response(409, bundle.bundle("searchset", [bundle.about(outcome(error.issues))]))

    return answered


@dataclass(frozen=True, slots=True)
class Operations:
    """Over one desk."""

    desk: Desk
    feeds: Feeds

    async def find(self, call: Call) -> Response:
        """Proposed Appointments, the earliest first, and how many times there are."""
        call.refuse_others(*parameters.FIND, "_count", *parameters.COMMON)
        found = await self.desk.find(
            call.request.caller,
            parameters.search(call),
            parameters.count(call),
            parameters.patients(call),
            parameters.more(call),
        )
        base = call.request.base
        entries = [
            bundle.found(base, "Appointment", str(tree["id"]), json.dump(tree), b"match")
            for tree in found.appointments
        ]
        said = [*found.issues, *parameters.unheeded(call)]
        notices = [bundle.about(outcome(said))] if said else []
        own = bundle.Link("self", with_query(_address(call), call.request.pairs))
        return Response(200, bundle.bundle("searchset", [*entries, *notices], [own], found.total))

    @_granted
    async def hold(self, call: Call) -> Response:
        """The Appointment, pending."""
        call.refuse_others("appointment-reference", "appointment-resource", *parameters.COMMON)
        caller = call.request.caller
        tree = parameters.resource(call)
        if tree is None:
            return _answer(call, await self.desk.hold(caller, parameters.appointment_id(call)))
        wanted = await wanted_in(self.desk.door, caller, tree)
        return _answer(call, await self.desk.hold_for(caller, wanted))

    @_granted
    async def book(self, call: Call) -> Response:
        """The Appointment, booked, moved or cancelled."""
        call.refuse_others(
            "appointment-reference", "appointment-resource", "patient-reference",
            "patient-resource", "comment", "overbook", "recurrence", "count", *parameters.COMMON,
        )  # fmt: skip
        tree = parameters.resource(call)
        if tree is not None:
            return await self._by_resource(call, tree)
        series = parameters.repeats(call)
        id = parameters.appointment_id(call)
        caller, over = call.request.caller, call.flag("overbook")
        patients = parameters.patients(call)
        if series is not None:
            first = await self.desk.proposed(caller, id, patients)
            found = await self.desk.series(caller, first, *series, overbook=over)
            return _answer(call, *found)
        booked = await self.desk.book(
            caller,
            id,
            patients,
            call.text("comment") or "",
            overbook=over,
            newcomers=parameters.newcomers(call),
        )
        return _answer(call, booked)

    async def _by_resource(self, call: Call, tree: Tree) -> Response:
        caller, over = call.request.caller, call.flag("overbook")
        id, status = tree.get("id"), tree.get("status")
        if status == "cancelled" and id:
            reason = _reason_in(tree.get("cancelationReason", {}))
            return _answer(call, *await self.desk.cancel(caller, str(id), reason))
        wanted = await wanted_in(self.desk.door, caller, tree)
        if status == "booked" and id:
            return _answer(call, await self.desk.move(caller, str(id), wanted, overbook=over))
        if status not in ("pending", "proposed"):
            raise Incorrect(
                "appointment-resource has status pending to book, booked with its id to move, "
                "cancelled with its id to cancel."
            )
        series = parameters.repeats(call)
        if series is not None:
            return _answer(call, *await self.desk.series(caller, wanted, *series, overbook=over))
        new = parameters.newcomers(call)
        return _answer(
            call, *await self.desk.book_all(caller, [wanted], overbook=over, newcomers=new)
        )

    @_granted
    async def cancel(self, call: Call) -> Response:
        """The Appointment, cancelled; with `series` those that follow, too."""
        call.refuse_others(
            "appointment-reference", "reason", "reason-text", "series", *parameters.COMMON
        )
        system, _, code = (call.text("reason") or "").rpartition("|")
        reason = (system or names.CANCEL_REASON, code, call.text("reason-text") or "")
        id, caller = parameters.appointment_id(call), call.request.caller
        return _answer(
            call, *await self.desk.cancel(caller, id, reason, series=call.flag("series"))
        )

    @_granted
    async def no_show(self, call: Call) -> Response:
        """The Appointment, status noshow."""
        call.refuse_others(*parameters.COMMON)
        id = parameters.appointment_id(call)
        return _answer(call, await self.desk.no_show(call.request.caller, id))

    @_granted
    async def wait(self, call: Call) -> Response:
        """The Appointment, status waitlist."""
        call.refuse_others(
            "start", "end", "visit-type", "practitioner", "location-reference",
            "patient-reference", "reason", *parameters.COMMON,
        )  # fmt: skip
        search = parameters.search(call)
        patients = parameters.patients(call)
        if len(patients) != 1:
            raise Incorrect("Name the one who waits with patient-reference.")
        codings = [{"system": s, "code": v} if s else {"code": v} for s, v in search.visits]
        concept: Tree | None = {"coding": codings} if codings else None
        caller, more = call.request.caller, parameters.more(call)
        return _answer(call, await self.desk.wait(caller, search, patients[0], concept, more))

    async def slots(self, call: Call) -> Response:
        """Slots of a Schedule, expanded from its rules: free ones, and those that are taken."""
        call.refuse_others("start", "end", "visit-type", "status", *parameters.COMMON)
        assert call.id is not None
        found = await slots(
            self.desk, call.request.caller, call.id, parameters.search(call), call.text("status")
        )
        entries = [
            bundle.found(call.request.base, "Slot", str(tree["id"]), json.dump(tree), b"match")
            for tree in found
        ]
        own = bundle.Link("self", with_query(_address(call), call.request.pairs))
        return Response(200, bundle.bundle("searchset", entries, [own], len(found)))

    async def ical(self, call: Call) -> Response:
        """The visit as an iCalendar file."""
        call.refuse_others(*parameters.COMMON)
        assert call.id is not None
        found = await call.service.door.read(call.request.caller, c.Read("Appointment", call.id))
        file = invitation.publish([(json.parse(whole(found)), found.version)], call.request.base)
        return Response(200, file, [], invitation.MEDIA)

    async def feed(self, call: Call) -> Response:
        """The secret address of a feed, shown once."""
        call.refuse_others(*parameters.COMMON)
        subject = f"{call.type}/{call.id}"
        await call.service.door.read(call.request.caller, c.Read(call.type or "", call.id or ""))
        secret, until = await self.feeds.open(call.request.caller, subject)
        root = call.request.base.removesuffix("/fhir")
        return _parameters(
            {"name": "url", "valueUrl": f"{root}{self.feeds.path}{secret}.ics"},
            {"name": "until", "valueInstant": format_instant(until)},
        )

    async def end_feeds(self, call: Call) -> Response:
        """No feed of this caller tells of it any more."""
        call.refuse_others(*parameters.COMMON)
        ended = await self.feeds.end(call.request.caller, f"{call.type}/{call.id}")
        return _parameters({"name": "ended", "valueInteger": ended})

    def offered(self) -> tuple[Operation, ...]:
        """As `app.build` hands them in."""
        visits, schedules = frozenset({"Appointment"}), frozenset({"Schedule"})
        granted = (
            (d.ihe("hold", d.HOLD), self.hold),
            (d.ihe("book", d.BOOK), self.book),
            (d.ours("cancel", d.CANCEL, type=True), self.cancel),
            (d.ours("no-show"), self.no_show),
            (d.ours("wait", d.WAIT, type=True, instance=False), self.wait),
        )
        return (
            Operation(d.ihe("find", d.FIND, changes=False), self.find, visits),
            *(Operation(what, how, visits, bundled=(409,)) for what, how in granted),
            Operation(d.ours("slots", d.SLOTS, changes=False), self.slots, schedules),
            Operation(d.ours("ical", changes=False), self.ical, visits, answers=invitation.MEDIA),
            Operation(d.ours("calendar-feed"), self.feed, _SUBJECTS),
            Operation(d.ours("calendar-feed-end"), self.end_feeds, _SUBJECTS),
        )


def _answer(call: Call, *versions: Version) -> Response:
    base = call.request.base
    entries = [
        bundle.found(base, one.type, one.id, one.rest, b"match", head(one)) for one in versions
    ]
    return Response(200, bundle.bundle("searchset", entries, total=len(entries)))


def _parameters(*parameter: Tree) -> Response:
    tree = {"resourceType": "Parameters", "parameter": list(parameter)}
    return Response(200, json.dump(tree), [(b"cache-control", b"no-store")])


def _address(call: Call) -> str:
    return address(call.request.base, *call.request.path)


def _reason_in(concept: Tree) -> tuple[str, str, str]:
    coding = (concept.get("coding") or [{}])[0]
    system = str(coding.get("system", names.CANCEL_REASON))
    return system, str(coding.get("code", "")), str(concept.get("text", ""))
