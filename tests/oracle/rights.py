"""What a caller may do with each row, and what of it is shown: scopes by hand, policies and what
they hide by Cedar's own engine, Consents and Part 2 by walking their JSON. One row at a time, with
no plan."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any, NamedTuple

import cedarpy

from careplane.access.policy.source import shipped
from tests.consent_house import Asked, says, subjects
from tests.oracle.hiding import Masked, stripped
from tests.oracle.population import IN_COMPARTMENT, WORLD, part2
from tests.oracle.rooms import TASK, TOPIC, not_for_patients
from tests.policy_house import Case, Record, matched, patients_of, uid

_GROUPS = {
    "record": (IN_COMPARTMENT | {"Slot"}) - {"AuditEvent"},
    "directory": {"HealthcareService", "Location", "Organization", "Practitioner",
                  "PractitionerRole"},
    "knowledge": {"GraphDefinition", "Questionnaire"},
    "audit": {"AuditEvent"},
    "administrative": {"Appointment", "Patient", "RelatedPerson", "Schedule", "Slot"},
}  # fmt: skip
_TOPICS = {"appointment", "billing"}


def _matched(record: Record) -> list[str]:
    """Searches of the policies, those of the ready roles too, that it matches."""
    concepts = [record.get("code", {}), *record.get("category", ())]
    codes = {(c.get("system"), c["code"]) for one in concepts for c in one.get("coding", ())}
    topics = {code for system, code in codes if system == TOPIC}
    ready = {
        "status=preliminary": record.get("status") == "preliminary",
        f"code={TASK}|administrative": (TASK, "administrative") in codes,
        f"category={TOPIC}|appointment,{TOPIC}|billing": bool(topics & _TOPICS),
        f"category={TOPIC}|prescription": "prescription" in topics,
    }
    return [*matched(record), *(search for search, holds in ready.items() if holds)]


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
            and any(place in places for place in r.get("location", ()))}  # fmt: skip


_PEOPLE = _people()


def _set(references: set[str]) -> list[dict[str, Any]]:
    return [{"__entity": uid(one)} for one in sorted(references)]


def _entity(record: Record) -> dict[str, Any]:
    type, mine = record["resourceType"], patients_of(record)
    none: dict[str, set[str]] = {}
    near = {name: _set(set().union(*(_PEOPLE.get(id, none).get(name, ()) for id in mine)))
            for name in ("careTeam", "attending", "ward", "proxies")}  # fmt: skip
    return {
        "uid": uid(f"{type}/{record['id']}"),
        "attrs": {"type": type, "matches": _matched(record),
                  "patients": _set({f"Patient/{one}" for one in mine}), **near},
        "parents": [{"type": "Types", "id": name} for name, of in _GROUPS.items() if type in of],
    }  # fmt: skip


_ENTITIES = {key: _entity(record) for key, record in WORLD.items()}


@cache
def _permits() -> str:
    """All permits of the ready roles; none of those drawn hides anything."""
    ready = json.loads(cedarpy.policies_to_json_str("\n".join(shipped().values())))
    some = {id: one for id, one in ready["staticPolicies"].items() if one["effect"] == "permit"}
    return cedarpy.policies_from_json_str(json.dumps({**ready, "staticPolicies": some}))


class Hidden(NamedTuple):
    """Leaves that are hidden of a record; where it is opened to reads only, or to searches only,
    that is not `exact`: more may be."""

    leaves: frozenset[str] = frozenset()
    exact: bool = True


NOTHING = Hidden()


Records = dict[str, Record]


class Those(Set[str]):
    """Keys of the records that a caller may do something to: each type is judged when something of
    it is first asked for."""

    def __init__(self, records: Records, judged: Callable[[Records], Iterable[str]]) -> None:
        self._judged = judged
        self._left: dict[str, Records] = {}
        for key, record in records.items():
            self._left.setdefault(record["resourceType"], {})[key] = record
        self._known: dict[str, frozenset[str]] = {}

    def of(self, type: str) -> frozenset[str]:
        """Those of a type."""
        if type not in self._known:
            self._known[type] = frozenset(self._judged(self._left.get(type, {})))
        return self._known[type]

    def __contains__(self, key: object) -> bool:
        return key in self.of(str(key).split("/")[0])

    def __iter__(self) -> Iterator[str]:
        for type in self._left:
            yield from self.of(type)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __ge__(self, other: Set[Any]) -> bool:
        return all(key in self for key in other)

    @classmethod
    def _from_iterable(cls, it: Iterable[Any]) -> frozenset[Any]:  # type: ignore[override]
        return frozenset(it)


@dataclass(frozen=True)
class Sight:
    """All rows, and which of them a caller may read, find and (Consents aside) change; each is
    worked out when it is first asked for. Without a judge it is all of them."""

    records: dict[str, Record]
    judge: Judge | None = None

    @cached_property
    def read(self) -> Those:
        return self._those("read")

    @cached_property
    def found(self) -> Those:
        return self._those("search")

    @cached_property
    def update(self) -> Those:
        return self._those("update")

    def _those(self, action: str) -> Those:
        judge = self.judge
        return Those(self.records, (lambda some: some) if judge is None else
                     lambda some: judge.those(action, some))  # fmt: skip

    def may(self, action: str, record: Record) -> bool:
        """Whether something may be done with a record, as it is or would be; `bring` is to put it
        in the place of another."""
        return self.judge is None or self.judge.may(action, record)

    @property
    def later(self) -> Sight:
        """What is seen of what is done later in this caller's name."""
        return self if self.judge is None else self.judge.later.sight()

    def ends(self, key: str) -> bool:
        """Whether a record may be taken away for good: no Consent has a say in that."""
        return self.judge is None or self.judge.ends(self.records[key])

    def deletes(self, type: str) -> bool:
        """Whether something of a type may be deleted."""
        return self.judge is None or bool(self.judge.delete.of(type))

    def hidden(self, key: str) -> Hidden:
        """What is hidden of a record."""
        return NOTHING if self.judge is None else self.judge.hidden.get(key, NOTHING)

    def seen(self, key: str) -> Record:
        """A record as it is shown, without meta."""
        return stripped(self.records[key], self.hidden(key).leaves)

    def hides(self, type: str, leaf: str) -> bool:
        """Whether something in the policies hides this of anything."""
        some = () if self.judge is None else self.judge.masks
        return any(one.type == type and leaf in one.hides for one in some)


def full(consents: list[Record]) -> Sight:
    """The sight of somebody who may do everything."""
    return Sight({**WORLD, **{f"Consent/{one['id']}": one for one in consents}})


@dataclass(frozen=True)
class Judge:
    """Rights of one caller among these Consents. `policies` are those drawn that hide nothing,
    `masks` those that do: `case` has both."""

    case: Case
    consents: list[Record]
    policies: tuple[str, ...] = ()
    masks: tuple[Masked, ...] = ()
    _known: dict[tuple[str, str], bool] = field(default_factory=dict)

    def sight(self) -> Sight:
        """What this caller sees."""
        return Sight(self._records, self)

    def by_right(self, key: str) -> bool:
        """Whether a record may be read, Consents aside."""
        record = self._records[key]
        if not self.case.by_scopes("read", record) or not self._told(record):
            return False
        return self._asked(self._texts, "read", {key: record})[key]

    def ends(self, record: Record) -> bool:
        """See Sight."""
        if not self.case.by_scopes("purge", record) or not self._told(record):
            return False
        return self._asked(self._texts, "purge", {"": record})[""]

    def consented(self, record: Record) -> bool:
        """Whether Consents let a record be read."""
        return self._consented("read", record)

    def keeps(self) -> bool:
        """Whether this caller keeps Consents for patients."""
        desk = bool(self.case.roles & {"front-desk", "privacy-officer"})
        return desk or "system/" in self.case.scopes

    @cached_property
    def acts_as_patient(self) -> bool:
        """Whether it is a patient, or somebody who acts for one."""
        case, kind = self.case, self.case.who.split("/")[0]
        if kind in ("Patient", "RelatedPerson"):
            return True
        if case.roles:
            return case.roles <= {"patient", "proxy", "acting-proxy", "narrow-proxy"}
        alone = all(one.startswith("patient/") for one in case.scopes.split())
        return kind != "Practitioner" and bool(case.patient) and alone

    def _told(self, record: Record) -> bool:
        """Whether it is not one that patients are not told of."""
        hidden = record["resourceType"] in IN_COMPARTMENT and not_for_patients(
            record, self._records
        )
        return not (hidden and self.acts_as_patient)

    @cached_property
    def delete(self) -> Those:
        """What this caller may delete."""
        return Those(self._records, lambda some: self.those("delete", some))

    def may(self, action: str, record: Record) -> bool:
        """See Sight. A Consent keeps nobody from bringing, unless it forbids to collect."""
        known = (action, json.dumps(record, sort_keys=True))
        if known not in self._known:
            self._known[known] = self._judged(action, record)
        return self._known[known]

    def _judged(self, action: str, record: Record) -> bool:
        right, agreed = ("update", "create") if action == "bring" else (action, action)
        if not self.case.by_scopes(right, record) or not self._consented(agreed, record):
            return False
        if not self._told(record):
            return False
        return self._asked(self._texts, right, {"": record})[""]

    @cached_property
    def hidden(self) -> dict[str, Hidden]:
        """Of the records of types that somebody might see not all of. What every permit hides that
        opens a record, to reads or to searches, is hidden."""
        found: dict[str, Hidden] = {}
        for type in sorted({one.type for one in self.masks}):
            some = {key: record for key, record in self._records.items()
                    if record["resourceType"] == type}  # fmt: skip
            each = [self._hidden_by(action, type, some) for action in ("read", "search")]
            for key in some:
                sets = [by[key] for by in each if key in by]
                found[key] = Hidden(frozenset().union(*sets), len(sets) == len(each))
        return found

    def _hidden_by(
        self, action: str, type: str, some: dict[str, Record]
    ) -> dict[str, frozenset[str]]:
        """Of each that a permit opens."""
        free = [one for one in self.policies if one.startswith("permit")]
        wholly = self._asked("\n".join((_permits(), *free)), action, some)
        partly = [(self._asked(one.policy, action, some), one.hides)
                  for one in self.masks if one.type == type]  # fmt: skip
        found: dict[str, frozenset[str]] = {}
        for key in some:
            sets = [hides for opened, hides in partly if opened[key]]
            if wholly[key] or sets:
                found[key] = frozenset() if wholly[key] else frozenset.intersection(*sets)
        return found

    @cached_property
    def later(self) -> Judge:
        """Of what is done later in this caller's name: the emergency is over by then."""
        if not self.case.emergency:
            return self
        case = replace(self.case, emergency="", purpose="TREAT")
        return Judge(case, self.consents, self.policies, self.masks)

    @cached_property
    def _records(self) -> dict[str, Record]:
        return full(self.consents).records

    def those(self, action: str, records: Records) -> frozenset[str]:
        """Which of these records this caller may do something to."""
        some = {
            key: record
            for key, record in records.items()
            if self.case.by_scopes(action, record)
            and self._told(record)
            and self._consented(action, record)
        }
        verdicts = self._asked(self._texts, action, some) if some else {}
        return frozenset(key for key, verdict in verdicts.items() if verdict)

    @cached_property
    def _texts(self) -> str:
        return "\n".join((*shipped().values(), self.case.policies))

    def _asked(self, texts: str, action: str, some: dict[str, Record]) -> dict[str, bool]:
        """What Cedar says of each of these under some policies. In an emergency another role looks
        as well, and of patients' records only those of one are there."""
        case, every = self.case, some
        roles_of = case.roles
        if case.emergency:
            some = {key: one for key, one in every.items() if self._is_near(one)}
            roles_of |= {"physician"} if action in ("read", "search") else frozenset()
        known = {key: _ENTITIES.get(key) or _entity(record) for key, record in some.items()}
        own = {"patients": _set({f"Patient/{case.patient}"} if case.patient else set())}
        roles = [{"type": "Role", "id": one} for one in roles_of or {"unassigned"}]
        principal = case.principal or case.who
        same = _ENTITIES.get(principal, {"attrs": {}, "parents": []})
        asker = {"uid": uid(principal), "attrs": {**same["attrs"], **own},
                 "parents": [*same["parents"], *roles]}  # fmt: skip
        entities = [*(one for one in known.values() if one["uid"] != asker["uid"]), asker]
        asked = [{"principal": uid(principal), "action": {"type": "Action", "id": action},
                  "resource": one["uid"], "context": {"purpose": case.purpose}}
                 for one in known.values()]  # fmt: skip
        answers = cedarpy.is_authorized_batch(asked, texts, json.dumps(entities))
        assert not any(answer.diagnostics.errors for answer in answers), answers[0].diagnostics
        allowed = {key: answer.allowed for key, answer in zip(some, answers, strict=True)}
        return dict.fromkeys(every, False) | allowed

    def _is_near(self, record: Record) -> bool:
        """Whether it is of the patient of the emergency, or of no patient's record."""
        own = record["resourceType"] not in IN_COMPARTMENT
        return own or self.case.emergency in patients_of(record)

    def _consented(self, action: str, record: Record) -> bool:
        if record["resourceType"] == "Consent" and self.keeps():
            return True
        strict = action != "create"
        if record["resourceType"] not in IN_COMPARTMENT:
            return not (strict and part2(record))
        does = "update" if action == "delete" else action
        asked = Asked(self.case.who, self.case.purpose, does, WORLD, self.case.emergency)
        said = says(self.consents, asked, record)
        if not strict:
            return said is not False
        if self.case.purpose == "HRESCH" or part2(record):
            about = subjects(record)
            own = self.case.emergency in about or self.case.who in {f"Patient/{p}" for p in about}
            return said is True or (own and said is not False)  # one of several is enough
        return said is not False
