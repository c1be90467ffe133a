"""Who is who, and who takes care of whom: read through the door, by a service that is audited as
any caller is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.records.audits.anomalies.material import Person, Relation
from careplane.records.bodies import whole
from careplane.records.commands import Search
from careplane.records.door import Door
from careplane.search.fold import fold
from careplane.storage.ports.records import Tenant

_SCOPES = parse_scopes(
    "system/Patient.rs system/Practitioner.rs system/PractitionerRole.rs system/CareTeam.rs "
    "system/Encounter.rs system/Appointment.rs"
)
_AT_ONCE, _PAGE = 50, "500"
_EVER = 2**60
_ENDED = frozenset({"finished", "cancelled", "entered-in-error", "inactive"})
_NUMBER = frozenset("0123456789")


def service(tenant: Tenant) -> Caller:
    """Who reads them."""
    return Caller(tenant, "service/audit", "Audit trail", _SCOPES)


class Facts:
    """Reads what rules need about some patients and members of the staff."""

    def __init__(self, door: Door, tenant: Tenant) -> None:
        self._door = door
        self._caller = service(tenant)
        self._left: dict[str, int] = {}
        self._open: set[str] = set()

    async def relations(self, patients: Sequence[str]) -> dict[str, tuple[Relation, ...]]:
        """Who takes part in the care of these patients, and when."""
        found: defaultdict[str, list[Relation]] = defaultdict(list)
        wards = await self._wards()
        for tree in await self._of("CareTeam", "patient", patients):
            if tree.get("status") != "entered-in-error":
                _relate(found, tree, _members(tree))
        for tree in await self._of("Encounter", "patient", patients):
            self._stay(tree)
            staff = [p.get("individual", {}) for p in tree.get("participant", ())]
            places = [one.get("location", {}).get("reference") for one in tree.get("location", ())]
            here = [{"reference": agent} for place in places for agent in wards.get(place, ())]
            _relate(found, tree, [*staff, *here])
        for tree in await self._of("Appointment", "patient", patients):
            _appoint(found, tree)
        return {patient: tuple(some) for patient, some in found.items()}

    async def people(self, agents: Iterable[str], patients: Sequence[str]) -> dict[str, Person]:
        """Patients and staff by reference; after `relations`, which learns who has left."""
        staff = [agent.partition("/")[2] for agent in agents]
        found = {}
        for type, ids in (("Practitioner", staff), ("Patient", patients)):
            for tree in await self._of(type, "_id", ids):
                found[f"{type}/{tree['id']}"] = person(tree, self._gone(type, tree["id"]))
        return found

    def _gone(self, type: str, id: str) -> int | None:
        return None if type != "Patient" or id in self._open else self._left.get(id)

    def _stay(self, tree: Tree) -> None:
        """What an encounter says of whether its patient is still here."""
        patient = _id(tree.get("subject", {}))
        end = tree.get("period", {}).get("end")
        if tree.get("status") in ("planned", "arrived", "triaged", "in-progress", "onleave"):
            self._open.add(patient)
        elif end:
            self._left[patient] = max(self._left.get(patient, 0), moment(end, _EVER))

    async def _wards(self) -> dict[str, list[str]]:
        """Who works where, by location."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for tree in await self._all("PractitionerRole", (("active", "true"),)):
            agent = tree.get("practitioner", {}).get("reference")
            for place in tree.get("location", ()):
                if agent and place.get("reference"):
                    found[place["reference"]].append(agent)
        return found

    async def _of(self, type: str, param: str, ids: Sequence[str]) -> list[Tree]:
        found: list[Tree] = []
        known = sorted({id for id in ids if id and "," not in id and "|" not in id})
        for start in range(0, len(known), _AT_ONCE):
            some = ",".join(known[start : start + _AT_ONCE])
            found += await self._all(type, ((param, some),))
        return found

    async def _all(self, type: str, pairs: tuple[tuple[str, str], ...]) -> list[Tree]:
        command = Search(type, (*pairs, ("_count", _PAGE)))
        found: list[Tree] = []
        while True:
            page = await self._door.search(self._caller, command)
            found += [json.parse(whole(version)) for version in page.matches]
            if page.next is None:
                return found
            command = Search(type, command.pairs, cursor=page.next)


def person(tree: Tree, left: int | None = None) -> Person:
    """A Patient or Practitioner as rules see it."""
    names = [name for name in tree.get("name", ()) if isinstance(name, dict)]
    meta = tree.get("meta", {})
    labels = (one.get("code") for kind in ("security", "tag") for one in meta.get(kind, ()))
    return Person(
        frozenset(fold(name["family"]) for name in names if name.get("family")),
        frozenset(fold(one) for name in names for one in name.get("given", ()) if one),
        str(tree.get("birthDate", "")),
        frozenset(filter(None, map(_address, tree.get("address", ())))),
        frozenset(str(code) for code in labels if code),
        _death(tree),
        left,
    )


def moment(text: Any, otherwise: int) -> int:
    """A FHIR date of any precision as microseconds since 1970; its beginning."""
    written = str(text or "")
    try:
        read = datetime.fromisoformat((written + "-01-01")[:10] if len(written) < 10 else written)
    except ValueError:
        return otherwise
    aware = read if read.tzinfo else read.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1_000_000)


def _death(tree: Tree) -> int | None:
    if tree.get("deceasedDateTime"):
        return moment(tree["deceasedDateTime"], 0)
    return 0 if tree.get("deceasedBoolean") is True else None


def _address(address: Tree) -> str:
    """Postal code and street, without the number: neighbours have the same."""
    code = fold(str(address.get("postalCode", "")))
    words = fold(" ".join(map(str, address.get("line", ())[:1]))).split()
    street = " ".join(word for word in words if not _NUMBER & set(word))
    return f"{code}|{street}" if code and street else ""


def _relate(found: defaultdict[str, list[Relation]], tree: Tree, members: Iterable[Tree]) -> None:
    period = tree.get("period", {})
    end = moment(period.get("end"), _EVER)
    if tree.get("status") in _ENDED and end == _EVER:
        end = moment(period.get("start"), 0)
    start = moment(period.get("start"), 0)
    for member in members:
        if member.get("reference"):
            found[_id(tree.get("subject", {}))].append(Relation(member["reference"], start, end))


def _appoint(found: defaultdict[str, list[Relation]], tree: Tree) -> None:
    """Whoever has an appointment with a patient prepares it and documents it."""
    actors = [one.get("actor", {}).get("reference", "") for one in tree.get("participant", ())]
    start = moment(tree.get("start"), 0)
    for patient in (one for one in actors if one.startswith("Patient/")):
        for other in actors:
            if other != patient and start:
                end = moment(tree.get("end"), start)
                found[patient.partition("/")[2]].append(Relation(other, start, end))


def _members(tree: Tree) -> list[Tree]:
    return [one.get("member", {}) for one in tree.get("participant", ())]


def _id(reference: Tree) -> str:
    return str(reference.get("reference", "")).partition("/")[2]
