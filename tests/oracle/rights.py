"""What a caller may do with each row: scopes by hand, policies by Cedar's own engine, Consents and
Part 2 by walking their JSON. One row at a time, with no plan."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cedarpy

from careplane.access.policy.source import shipped
from tests.consent_house import Asked, says, subjects
from tests.oracle.population import IN_COMPARTMENT, WORLD, part2
from tests.policy_house import Case, Record, matched, patients_of, uid

_GROUPS = {
    "record": IN_COMPARTMENT,
    "directory": {"Location", "Organization", "Practitioner", "PractitionerRole"},
    "knowledge": {"GraphDefinition"},
    "administrative": {"Patient", "RelatedPerson"},
}


def _people() -> dict[str, dict[str, set[str]]]:
    """For each patient who is what to it: by `careTeam`, `attending`, `ward` and `proxies`."""
    names = ("careTeam", "attending", "ward", "proxies")
    found = {r["id"]: {name: set[str]() for name in names} for r in WORLD.values()
             if r["resourceType"] == "Patient"}  # fmt: skip
    for record in WORLD.values():
        for id in patients_of(record):
            match record["resourceType"]:
                case "CareTeam" if record["status"] == "active":
                    some = {one["member"]["reference"] for one in record["participant"]}
                    found[id]["careTeam"] |= some
                case "RelatedPerson" if record.get("active") is True:
                    found[id]["proxies"].add(f"RelatedPerson/{record['id']}")
                case "Encounter" if record["status"] in ("arrived", "triaged", "in-progress"):
                    present = record.get("participant", ())
                    found[id]["attending"] |= {one["individual"]["reference"] for one in present}
                    found[id]["ward"] |= _working(record)
    return found


def _working(visit: Record) -> set[str]:
    places = [one["location"] for one in visit["location"]]
    return {r["practitioner"]["reference"] for r in WORLD.values()
            if r["resourceType"] == "PractitionerRole" and r.get("active") is True
            and any(place in places for place in r["location"])}  # fmt: skip


_PEOPLE = _people()


def _set(references: set[str]) -> list[dict[str, Any]]:
    return [{"__entity": uid(one)} for one in sorted(references)]


def _entity(record: Record) -> dict[str, Any]:
    type, mine = record["resourceType"], patients_of(record)
    near = {name: _set(set().union(*(_PEOPLE[id][name] for id in mine)))
            for name in ("careTeam", "attending", "ward", "proxies")}  # fmt: skip
    return {
        "uid": uid(f"{type}/{record['id']}"),
        "attrs": {"type": type, "matches": matched(record),
                  "patients": _set({f"Patient/{one}" for one in mine}), **near},
        "parents": [{"type": "Types", "id": name} for name, of in _GROUPS.items() if type in of],
    }  # fmt: skip


_ENTITIES = {key: _entity(record) for key, record in WORLD.items()}


@dataclass(frozen=True)
class Sight:
    """All rows, and which of them a caller may read, find and (Consents aside) change."""

    records: dict[str, Record]
    read: frozenset[str]
    found: frozenset[str]
    update: frozenset[str]


def full(consents: list[Record]) -> Sight:
    """The sight of somebody who may do everything."""
    records = {**WORLD, **{f"Consent/{one['id']}": one for one in consents}}
    every = frozenset(records)
    return Sight(records, every, every, every)


@dataclass(frozen=True)
class Judge:
    """Rights of one caller among these Consents."""

    case: Case
    consents: list[Record]

    def sight(self) -> Sight:
        """What this caller sees."""
        may = {action: self._may(action) for action in ("read", "search", "update")}
        return Sight(self._records, may["read"], may["search"], may["update"])

    @cached_property
    def _records(self) -> dict[str, Record]:
        return full(self.consents).records

    def _may(self, action: str) -> frozenset[str]:
        rows = self._records.items()
        keys = [
            key
            for key, record in rows
            if self.case.by_scopes(action, record) and self._consented(action, record)
        ]
        verdicts = self._by_policies(action, keys)
        return frozenset(key for key, verdict in zip(keys, verdicts, strict=True) if verdict)

    def _by_policies(self, action: str, keys: list[str]) -> list[bool]:
        case = self.case
        known = {key: _ENTITIES.get(key) or _entity(self._records[key]) for key in keys}
        own = {"patients": _set({f"Patient/{case.patient}"} if case.patient else set())}
        roles = [{"type": "Role", "id": one} for one in case.roles or {"unassigned"}]
        same = known.get(case.who, {"attrs": {}, "parents": []})
        asker = {"uid": uid(case.who), "attrs": {**same["attrs"], **own},
                 "parents": [*same["parents"], *roles]}  # fmt: skip
        entities = [*(known[key] for key in keys if key != case.who), asker]
        asked = [{"principal": uid(case.who), "action": {"type": "Action", "id": action},
                  "resource": uid(key), "context": {"purpose": case.purpose}}
                 for key in keys]  # fmt: skip
        texts = "\n".join((*shipped().values(), case.policies))
        answers = cedarpy.is_authorized_batch(asked, texts, json.dumps(entities))
        assert not any(answer.diagnostics.errors for answer in answers), answers[0].diagnostics
        return [answer.allowed for answer in answers]

    def _consented(self, action: str, record: Record) -> bool:
        if record["resourceType"] == "Consent" and self._keeps():
            return True
        if record["resourceType"] not in IN_COMPARTMENT:
            return not part2(record)
        said = says(self.consents, Asked(self.case.who, self.case.purpose, action, WORLD), record)
        if self.case.purpose == "HRESCH" or part2(record):
            own = {self.case.who} == {f"Patient/{one}" for one in subjects(record)}
            return said is True or (own and said is not False)
        return said is not False

    def _keeps(self) -> bool:
        """Whether this caller keeps Consents for patients."""
        desk = bool(self.case.roles & {"front-desk", "privacy-officer"})
        return desk or "system/" in self.case.scopes
