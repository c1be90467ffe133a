"""A small hospital, and what its policies say of each record, asked of Cedar's own engine.

The oracle knows nothing of plans: it reads the JSON of the records, writes down for each what holds
of it, and lets Cedar decide record by record. Scopes are judged by hand.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import cedarpy
from hypothesis import strategies as st

from careplane.access.caller import Caller
from careplane.access.policy.policies import Policies
from careplane.access.policy.source import rules, shipped
from careplane.access.policy.terms import GROUPS
from careplane.access.scopes import parse_scopes
from careplane.kernel.errors import Incorrect
from tests.fhir_house import RELATIONS, TENANT, observation, patient

Record = dict[str, Any]
SECRET = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
                        "code": "R"}]}  # fmt: skip


def to(reference: str) -> dict[str, str]:
    return {"reference": reference}


def encounter(id: str, of: str, status: str, ward: str, **more: Any) -> Record:
    return {"resourceType": "Encounter", "id": id, "status": status, "class": {"code": "IMP"},
            "subject": to(f"Patient/{of}"), "location": [{"location": to(f"Location/{ward}")}],
            **more}  # fmt: skip


def team(id: str, of: str, status: str, *members: str) -> Record:
    return {"resourceType": "CareTeam", "id": id, "status": status, "subject": to(f"Patient/{of}"),
            "participant": [{"member": to(member)} for member in members]}  # fmt: skip


def works(id: str, who: str, ward: str, **more: Any) -> Record:
    return {"resourceType": "PractitionerRole", "id": id, "practitioner": to(f"Practitioner/{who}"),
            "location": [to(f"Location/{ward}")], **more}  # fmt: skip


def relative(id: str, of: str, **more: Any) -> Record:
    return {"resourceType": "RelatedPerson", "id": id, "patient": to(f"Patient/{of}"), **more}


RECORDS: dict[str, Record] = {
    f"{r['resourceType']}/{r['id']}": r
    for r in [
        {"resourceType": "Organization", "id": "org", "name": "Clinic"},
        {"resourceType": "Location", "id": "w1"},
        {"resourceType": "Location", "id": "w2"},
        {"resourceType": "Practitioner", "id": "n"},
        {"resourceType": "Practitioner", "id": "m"},
        works("n1", "n", "w1", active=True),
        works("n2", "n", "w2"),
        works("m2", "m", "w2", active=False),
        *(patient(f"p{n}", name=[{"family": "Quinn"}]) for n in range(3)),
        patient("p3", name=[{"family": "Quinn"}], meta=SECRET),
        relative("r", "p2", active=True),
        relative("s", "p2", active=False),
        encounter("e0", "p0", "in-progress", "w1",
                  participant=[{"individual": to("Practitioner/m")}]),
        encounter("e1", "p1", "finished", "w1"),
        encounter("e2", "p2", "arrived", "w2",
                  participant=[{"individual": to("Practitioner/n")}]),
        team("t0", "p0", "inactive", "Practitioner/n"),
        team("t1", "p1", "active", "Practitioner/n", "Practitioner/m"),
        *(observation(f"o{n}", f"p{n}") for n in range(4)),
        observation("secret", "p0", meta=SECRET),
        observation("draft", "p1", status="preliminary"),
        observation("both", "p2", performer=[to("Patient/p0")]),
        *({"resourceType": "Condition", "id": f"c{n}", "subject": to(f"Patient/p{n}")}
          for n in range(4)),
    ]
}  # fmt: skip

_COMPARTMENT = {
    "Observation": ("subject", "performer"),
    "Condition": ("subject",),
    "Encounter": ("subject",),
    "CareTeam": ("subject",),
    "RelatedPerson": ("patient",),
    "Consent": ("patient",),
    "AllergyIntolerance": ("patient", "recorder"),
    "Immunization": ("patient",),
    "MedicationRequest": ("subject",),
    "Composition": ("subject", "author"),
    "DocumentReference": ("subject", "author"),
    "Communication": ("subject", "sender", "recipient"),
    "QuestionnaireResponse": ("subject", "author"),
    "Appointment": ("participant",),
    "Task": ("for",),
    "AuditEvent": ("agent", "entity"),
}
"""Where it says of whose record it is: the compartment of R4, and Task (decision 0080)."""
_SHARED = ("HealthcareService", "Location", "Organization", "Practitioner", "PractitionerRole",
           "Questionnaire")  # fmt: skip
SEARCHES = ("_security=R", "_id=o1,p1,c1", "status=final")
"""The searches that policies are drawn with; the last one has meaning for Observations."""


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def patients_of(record: Record) -> set[str]:
    """Patients of whose record it is."""
    if record["resourceType"] == "Patient":
        return {str(record["id"])}
    named = (_reference(one) for field in _COMPARTMENT.get(record["resourceType"], ())
             for one in many(record.get(field)))  # fmt: skip
    return {name[8:] for name in named if name.startswith("Patient/")}


def _reference(part: Record) -> str:
    """Of a Reference, or of what has one: a participant, an agent, an entity."""
    named = next((part[name] for name in ("actor", "who", "what") if name in part), part)
    return str(named.get("reference", ""))


def _under_way(of: str) -> list[Record]:
    return [r for r in RECORDS.values()
            if r["resourceType"] == "Encounter" and r["subject"] == to(f"Patient/{of}")
            and r["status"] in ("arrived", "triaged", "in-progress")]  # fmt: skip


def _care_team(of: str) -> set[str]:
    return {one["member"]["reference"] for r in RECORDS.values()
            if r["resourceType"] == "CareTeam" and r["subject"] == to(f"Patient/{of}")
            and r["status"] == "active" for one in r["participant"]}  # fmt: skip


def _attending(of: str) -> set[str]:
    return {one["individual"]["reference"] for r in _under_way(of)
            for one in r.get("participant", ())}  # fmt: skip


def _ward(of: str) -> set[str]:
    places = [one["location"] for r in _under_way(of) for one in r["location"]]
    return {r["practitioner"]["reference"] for r in RECORDS.values()
            if r["resourceType"] == "PractitionerRole" and r.get("active") is True
            and any(place in places for place in r["location"])}  # fmt: skip


def _proxies(of: str) -> set[str]:
    return {f"RelatedPerson/{r['id']}" for r in RECORDS.values()
            if r["resourceType"] == "RelatedPerson" and r["patient"] == to(f"Patient/{of}")
            and r.get("active") is True}  # fmt: skip


def matched(record: Record) -> list[str]:
    """Those of SEARCHES that it matches."""
    holds = (
        any(one["code"] == "R" for one in record.get("meta", {}).get("security", ())),
        record["id"] in ("o1", "p1", "c1"),
        record.get("status") == "final",
    )
    return [search for search, is_so in zip(SEARCHES, holds, strict=True) if is_so]


def uid(reference: str) -> dict[str, str]:
    type, _, id = reference.partition("/")
    return {"type": type, "id": id}


def _set(references: set[str]) -> list[dict[str, Any]]:
    return [{"__entity": uid(one)} for one in sorted(references)]


def entity(record: Record, *, new: bool = False) -> dict[str, Any]:
    """The record as an entity of Cedar, with all that policies may ask of it."""
    type = record["resourceType"]
    mine = patients_of(record)
    theirs = set() if new and type == "Patient" else mine
    found = {
        name: _set(set().union(*(of(one) for one in theirs)))
        for name, of in (("careTeam", _care_team), ("attending", _attending),
                         ("ward", _ward), ("proxies", _proxies))
    }  # fmt: skip
    return {
        "uid": uid(f"{type}/{record['id']}"),
        "attrs": {"type": type, "matches": matched(record),
                  "patients": _set({f"Patient/{one}" for one in mine}), **found},
        "parents": [{"type": "Types", "id": name} for name, of in GROUPS.items() if type in of],
    }  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Policies and somebody who asks. `principal`: whom policies see, where that is not `who`;
    `emergency`: the patient for whom the glass has been broken."""

    policies: str
    who: str
    patient: str | None
    roles: frozenset[str]
    purpose: str
    scopes: str
    principal: str = ""
    emergency: str = ""

    def caller(self) -> Caller:
        return Caller(TENANT, self.who, "Somebody", parse_scopes(self.scopes), self.patient,
                      self.roles, self.purpose, self.emergency or None)  # fmt: skip

    def files(self) -> dict[str, str]:
        return {"mine.cedar": self.policies}

    def by_policies(self, action: str, records: list[Record], *, new: bool = False) -> list[bool]:
        """What Cedar says of each record. No policy may fail: Cedar would pass it over."""
        texts = "\n".join((*shipped().values(), self.policies))
        asker: Record = {
            "uid": uid(self.who),
            "attrs": {"patients": _set({f"Patient/{self.patient}"} if self.patient else set())},
            "parents": [{"type": "Role", "id": r} for r in self.roles or {"unassigned"}],
        }
        entities = {json.dumps(e["uid"]): e for e in (entity(r, new=new) for r in records)}
        same = entities.get(json.dumps(asker["uid"]))
        if same:  # who asks is a record as well
            asker = {**same, "attrs": {**same["attrs"], **asker["attrs"]},
                     "parents": [*same["parents"], *asker["parents"]]}  # fmt: skip
        entities[json.dumps(asker["uid"])] = asker
        asked = [{"principal": uid(self.who), "action": {"type": "Action", "id": action},
                  "resource": uid(f"{r['resourceType']}/{r['id']}"),
                  "context": {"purpose": self.purpose}} for r in records]  # fmt: skip
        answers = cedarpy.is_authorized_batch(asked, texts, list(entities.values()))
        assert not any(answer.diagnostics.errors for answer in answers), answers[0].diagnostics
        return [answer.allowed for answer in answers]

    def by_scopes(self, action: str, record: Record) -> bool:
        letter, type = action[0] if action != "search" else "s", record["resourceType"]
        for scope in self.scopes.split():
            context, _, what = scope.partition("/")
            named, _, letters = what.partition(".")
            held = letters == "purge" if action == "purge" else letters.find(letter) >= 0
            if not held or (letters == "purge" and action != "purge") or named not in ("*", type):
                continue
            if context != "patient" or (self.patient in patients_of(record) and self.patient):
                return True
            if self.patient and type in _SHARED and letter in "rs":
                return True
        return False

    def allowed(self, action: str, records: dict[str, Record] = RECORDS) -> set[str]:
        """Keys of the records that this caller may do this to."""
        verdicts = self.by_policies(action, list(records.values()))
        return {key for (key, record), verdict in zip(records.items(), verdicts, strict=True)
                if verdict and self.by_scopes(action, record)}  # fmt: skip


ATOMS = (
    "resource is Observation",
    'resource.type == "Patient"',
    '["Observation", "Condition"].contains(resource.type)',
    'resource in Types::"record"',
    'resource in [Types::"directory", Types::"billing"]',
    'resource == Patient::"p0"',
    "resource.careTeam.contains(principal)",
    "resource.attending.contains(principal)",
    "resource.ward.contains(principal)",
    "resource.proxies.contains(principal)",
    "resource.patients.containsAny(principal.patients)",
    'resource.patients.contains(Patient::"p0")',
    'resource.careTeam.containsAll([Practitioner::"n", Practitioner::"m"])',
    'resource.matches.contains("_security=R")',
    'resource.matches.contains("_id=o1,p1,c1")',
    '(resource is Observation && resource.matches.contains("status=final"))',
    'principal in Role::"a"',
    "principal is Practitioner",
    'principal == Practitioner::"n"',
    'context.purpose == "TREAT"',
    'action in [Action::"read", Action::"create"]',
    "true",
)

conditions = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: f"({two[0]} && {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} || {two[1]})"),
        inner.map(lambda one: f"!({one})"),
        st.tuples(inner, inner, inner).map(
            lambda some: f"(if {some[0]} then {some[1]} else {some[2]})"
        ),
    ),
    max_leaves=5,
)
_WHO = ("principal", "principal in Role::\"a\"", "principal in Role::\"b\"",
        "principal is Practitioner")  # fmt: skip
_WHAT = ("action", "action == Action::\"search\"",
         "action in [Action::\"read\", Action::\"search\", Action::\"update\"]")  # fmt: skip
_WHICH = ("resource", "resource", "resource is Observation", 'resource in Types::"record"')
policies = st.builds(
    lambda effect, who, what, which, when, unless: (
        f"{effect} ({who}, {what}, {which})\nwhen {{ {when} }}"
        + (f"\nunless {{ {unless} }};" if unless else ";")
    ),
    st.sampled_from(("permit", "permit", "forbid")),
    st.sampled_from(_WHO),
    st.sampled_from(_WHAT),
    st.sampled_from(_WHICH),
    conditions,
    st.none() | conditions,
)


def is_about_something(policy: str) -> bool:
    """Whether it can apply to any type; others are refused at load."""
    try:
        Policies(rules([("drawn.cedar", policy)]), RELATIONS)
    except Incorrect as error:
        if all("about no type" in issue.text for issue in error.issues):
            return False
        raise
    return True


usable = policies.filter(is_about_something)
_ASKERS = st.sampled_from((
    ("Practitioner/n", None), ("Practitioner/m", None), ("Patient/p0", "p0"),
    ("RelatedPerson/r", "p2"), ("client/x", None), ("client/x", "p1"),
))  # fmt: skip
_ROLES = ("a", "b", "treating-physician", "ward-nurse", "nurse", "patient", "proxy", "front-desk")
cases = st.builds(
    lambda some, asker, roles, purpose, scopes: Case(
        "\n".join(some), asker[0], asker[1], roles, purpose, scopes
    ),
    st.lists(usable, max_size=4),
    _ASKERS,
    st.frozensets(st.sampled_from(_ROLES), max_size=2),
    st.sampled_from(("TREAT", "HRESCH")),
    st.sampled_from((
        "system/*.cruds", "system/*.cruds", "user/Observation.rs user/Patient.rs user/Condition.r",
        "patient/*.rs patient/Observation.cu",
    )),
)  # fmt: skip
