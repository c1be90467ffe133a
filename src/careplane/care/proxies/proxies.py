"""A patient lets somebody act for them, as an active RelatedPerson with rights and an end, and ends
that. Patients do so for themselves alone, and by this service, which vouches for the RelatedPerson.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

from careplane.access.caller import Caller
from careplane.access.people.standing import ACT, PROXY_EXTENSION, READ
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Forbidden, Incorrect, NotFound, TooMany
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.door import Door

RELATIONSHIPS = {
    "CHILD": "child",
    "SPS": "spouse",
    "DOMPART": "domestic partner",
    "PRN": "parent",
    "SIB": "sibling",
    "FRND": "friend",
    "HPOWATT": "healthcare power of attorney",
    "FAMMEMB": "family member",
}
"""Codes of v3-RoleCode that a patient can choose from, with their displays."""
_ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
MOST = 10
"""Who may act for one patient at a time."""
_NAME = 120
_NEEDS = (("c", "Consent"),)
"""Who may decide what is shared may let others act."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is to act, how related, with which rights (`read`, `act`), until when (a date, or
    empty)."""

    name: str
    relationship: str
    rights: str
    until: str = ""


@dataclass(frozen=True, slots=True)
class Proxies:
    """Over one door."""

    door: Door
    clock: Clock
    new_id: NewId

    async def invite(self, caller: Caller, asked: Asked) -> str:
        """The id of the new RelatedPerson. Raises Incorrect for what cannot be, Forbidden for who
        is not the patient, TooMany."""
        patient = _self(caller)
        _check(asked, self._today())
        new = self.new_id()
        tree = related(new, patient, asked, self._today())
        where = f"patient=Patient/{patient}&active=true"
        asking = c.Asking(looks=(c.Look("active", "RelatedPerson", where, 200),))

        def decide(seen: c.Seen) -> c.Decided:
            if len(seen.found["active"]) >= MOST:
                raise TooMany("So many people act for you already; end one first.")
            write = c.Write("RelatedPerson", new, tree, own=False)
            return c.Decided((write,), about=f"RelatedPerson/{new}")

        await self.door.act(caller, c.Act("proxy-invite", (lambda seen: asking,), decide, _NEEDS))
        return new

    async def end(self, caller: Caller, id: str) -> None:
        """This person acts for the patient no longer. Raises NotFound for one who does not."""
        patient, key = _self(caller), ("RelatedPerson", id)
        today = self._today()

        def decide(seen: c.Seen) -> c.Decided:
            tree = seen.records.get(key)
            if tree is None or tree.get("patient", {}).get("reference") != f"Patient/{patient}":
                raise NotFound("Nobody of this name acts for you.")
            period = {**tree.get("period", {}), "end": today.isoformat()}
            if str(period.get("start", "")) > str(today):
                del period["start"]
            ended = {**tree, "active": False, "period": period}
            write = c.Write("RelatedPerson", id, ended, own=False)
            return c.Decided((write,), about=f"RelatedPerson/{id}")

        asks = (lambda seen: c.Asking(reads=(key,)),)
        await self.door.act(caller, c.Act("proxy-end", asks, decide, _NEEDS))

    def _today(self) -> date:
        return datetime.fromtimestamp(self.clock() / 1_000_000, UTC).date()


def related(id: str, patient: str, asked: Asked, today: date) -> Tree:
    """The RelatedPerson."""
    display = RELATIONSHIPS[asked.relationship]
    coding = {"system": _ROLES, "code": asked.relationship, "display": display}
    period = {"start": today.isoformat()} | ({"end": asked.until} if asked.until else {})
    return {
        "resourceType": "RelatedPerson",
        "id": id,
        "extension": [
            {
                "url": PROXY_EXTENSION,
                "extension": [
                    {"url": "rights", "valueCode": asked.rights},
                    {"url": "invited", "valueBoolean": True},
                ],
            }
        ],
        "active": True,
        "patient": {"reference": f"Patient/{patient}"},
        "relationship": [{"coding": [coding], "text": display}],
        "name": [{"text": " ".join(asked.name.split())}],
        "period": period,
    }


def _self(caller: Caller) -> str:
    if caller.patient is None or caller.id != f"Patient/{caller.patient}":
        raise Forbidden("Only the patient says who may act for them.")
    return caller.patient


def _check(asked: Asked, today: date) -> None:
    name = " ".join(asked.name.split())
    if not name or len(name) > _NAME or not name.isprintable():
        raise Incorrect(f"Say the name of the person, in {_NAME} characters at most.")
    if asked.relationship not in RELATIONSHIPS:
        raise Incorrect("Choose from the list how you are related.")
    if asked.rights not in (READ, ACT):
        raise Incorrect("Choose what the person may do.")
    if asked.until:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", asked.until):
            raise Incorrect("The last day is written as 2030-12-31.")
        try:
            until = date.fromisoformat(asked.until)
        except ValueError as error:
            raise Incorrect("There is no such last day.") from error
        if until < today:
            raise Incorrect("The last day lies in the past.")
