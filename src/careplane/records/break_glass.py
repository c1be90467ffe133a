"""Emergency access: somebody states a reason, and sees one patient's record for a while.

What yields are the Consents of that patient and, where the institution says so, what its policies
ask of a relation; never the scopes. Before the token is handed out, a notice to the patient and the
case for the privacy officer are durable, and every access under it has its own code in the audit
trail. A case waits until somebody has reviewed it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from careplane.access.caller import Caller
from careplane.access.consent.terms import BREAK_GLASS
from careplane.access.fresh import Fresh, unasked
from careplane.access.scopes import parse_scopes
from careplane.access.smart.tokens import Token, Tokens
from careplane.fhir.codec import json
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import Conflict, Forbidden, Incorrect, NotFound
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records import rights
from careplane.records.door import Door
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

_SPACE = "break-glass"
_SHORTEST, _LONGEST = 10, 1000
_PAGE = 200
_NOTICE_SCOPES = parse_scopes("system/Communication.c")


@dataclass(frozen=True, slots=True)
class Choice:
    """What an institution has chosen: which roles may, for how long at most, and who reviews."""

    roles: frozenset[str] = frozenset()
    minutes: int = 30
    reviewers: frozenset[str] = frozenset({"privacy-officer"})


class Case(msgspec.Struct, frozen=True):
    """One emergency. Times are in microseconds since 1970; `reviewer` is empty until somebody has
    looked at it."""

    id: str
    agent: str
    name: str
    patient: str
    reason: str
    opened: int
    until: int
    reviewer: str = ""
    reviewed: int = 0
    finding: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """What the one who broke the glass gets: the token is good until `case.until`."""

    case: Case
    caller: Caller
    token: str = field(repr=False)


class BreakGlass:
    """Over the state of an installation."""

    def __init__(
        self,
        state: StateStore,
        tokens: Tokens,
        clock: Clock,
        new_id: NewId,
        choice: Choice,
        fresh: Fresh = unasked,
    ) -> None:
        self._state = state
        self._tokens = tokens
        self._clock = clock
        self._new_id = new_id
        self._choice = choice
        self._fresh = fresh

    def may(self, caller: Caller) -> bool:
        """Whether this is open to a caller."""
        return caller.emergency is None and not self._choice.roles.isdisjoint(caller.roles)

    def reviews(self, caller: Caller) -> bool:
        """Whether a caller reviews cases."""
        if not self._choice.reviewers.isdisjoint(caller.roles):
            return True
        try:
            rights.administrator(caller)
        except Forbidden:
            return False
        return True

    async def open(
        self, door: Door, caller: Caller, patient: str, reason: str, held: Token | None = None
    ) -> Opened:
        """Raises Forbidden, Unproven, Incorrect without a reason, NotFound where the caller's
        scopes open no such Patient. `held` is the token that the request was made
        with: what ends that one for its client ends this one too."""
        if not self.may(caller):
            await door.note(caller, c.Note("break-glass-refused", f"Patient/{patient}"[:80]))
            raise Forbidden("Your role may not break the glass, or it is broken already.")
        self._fresh(caller)
        reason = " ".join(reason.split())
        if not _SHORTEST <= len(reason) <= _LONGEST:
            raise Incorrect(f"State a reason of {_SHORTEST} to {_LONGEST} characters.")
        helper = replace(caller, purpose=BREAK_GLASS, emergency=patient)
        await door.read(helper, c.Read("Patient", patient))
        now = self._clock()
        until = now + self._choice.minutes * 60_000_000
        case = Case(self._new_id(), caller.id, caller.name, patient, reason, now, until)
        await self._keep(caller.tenant, case, 0)
        await door.create(_service(caller.tenant), c.Create("Communication", _notice(case)))
        await door.note(caller, c.Note("break-glass", f"Patient/{patient} {case.id}"))
        client, generation = (held.client, held.generation) if held else ("", 0)
        token = self._tokens.issue(helper, self._choice.minutes * 60, client, generation)
        return Opened(case, helper, token)

    async def waiting(self, caller: Caller) -> list[Case]:
        """Cases that nobody has reviewed, oldest first."""
        return [case for case in await self.cases(caller) if not case.reviewer]

    async def cases(self, caller: Caller) -> list[Case]:
        """Every case, oldest first. Raises Forbidden for who does not review."""
        self._reviewing(caller)
        found: list[Case] = []
        after = ""
        while page := await self._state.scan(caller.tenant, _SPACE, after, _PAGE):
            found += [msgspec.msgpack.decode(entry.value, type=Case) for _, entry in page]
            after = page[-1][1].key
        return sorted(found, key=lambda case: case.opened)

    async def review(self, door: Door, caller: Caller, id: str, finding: str) -> Case:
        """Note what came of it. Nobody reviews his own case. Raises Forbidden, NotFound, Conflict
        where it has been reviewed, Incorrect without a finding."""
        self._reviewing(caller)
        entry = await self._state.get(caller.tenant, _SPACE, id)
        if entry is None:
            raise NotFound("There is no such case.")
        case = msgspec.msgpack.decode(entry.value, type=Case)
        finding = " ".join(finding.split())
        if case.agent == caller.id:
            raise Forbidden("Nobody reviews a case of his own.")
        if case.reviewer:
            raise Conflict("This case has been reviewed.")
        if not finding or len(finding) > _LONGEST:
            raise Incorrect(f"Say what the review has found, in {_LONGEST} characters at most.")
        done = msgspec.structs.replace(
            case, reviewer=caller.id, reviewed=self._clock(), finding=finding
        )
        await self._keep(caller.tenant, done, entry.revision)
        await door.note(caller, c.Note("break-glass-review", f"Patient/{case.patient} {id}"))
        return done

    def _reviewing(self, caller: Caller) -> None:
        if not self.reviews(caller):
            raise Forbidden("Cases of emergency access are for the privacy officer.")

    async def _keep(self, tenant: Tenant, case: Case, expect: int) -> None:
        value = msgspec.msgpack.encode(case)
        if await self._state.put(tenant, _SPACE, case.id, value, expect) is None:
            raise Conflict("This case has been reviewed.")


def _service(tenant: Tenant) -> Caller:
    return Caller(tenant, "service/break-glass", "Emergency access", _NOTICE_SCOPES)


def _notice(case: Case) -> bytes:
    """What the patient reads (FHIR R4 Communication)."""
    patient = {"reference": f"Patient/{case.patient}"}
    text = (
        f"{case.name} opened your record in an emergency, although you had restricted it or "
        f"{case.name} was not treating you. Reason given: {case.reason}"
    )
    sender = {"sender": {"reference": case.agent}} if _is_person(case.agent) else {}
    tree: dict[str, Any] = {
        "resourceType": "Communication",
        "status": "completed",
        "category": [{"text": "Notice of emergency access"}],
        "subject": patient,
        "recipient": [patient],
        **sender,
        "sent": format_instant(case.opened),
        "reasonCode": [{"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": BREAK_GLASS,
        }]}],
        "payload": [{"contentString": text}],
    }  # fmt: skip
    return json.dump(tree)


def _is_person(agent: str) -> bool:
    return agent.partition("/")[0] in ("Practitioner", "PractitionerRole", "RelatedPerson")
