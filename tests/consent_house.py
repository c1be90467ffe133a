"""Consents over the small hospital of `policy_house`, and what they say of each record.

The oracle knows nothing of plans, rows or rules: it walks the JSON of the Consents and of one
record, provision by provision, and says what of it may leave for somebody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from careplane.access.caller import Caller
from tests.fhir_house import observation
from tests.policy_house import RECORDS, Case, Record, cases, many, patients_of, to

ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LEVEL = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
LOINC = "http://loinc.org"
TYPES_SYSTEM = "http://hl7.org/fhir/resource-types"


def labels(*codes: str) -> Record:
    return {"security": [{"system": LEVEL if len(c) == 1 else ACT, "code": c} for c in codes]}


EXTRA: dict[str, Record] = {
    f"{r['resourceType']}/{r['id']}": r
    for r in [
        observation("dated", "p0", effectiveDateTime="2020-05-05"),
        observation("late", "p1", effectiveDateTime="2021-05-05", meta=labels("V", "HIV")),
        observation("visit", "p0", encounter=to("Encounter/e0")),
        observation("noted", "p1", performer=[to("Practitioner/n")], code="1-8"),
        {"resourceType": "Condition", "id": "eth", "subject": to("Patient/p0"),
         "meta": labels("R", "ETH")},
    ]
}  # fmt: skip
ALL = {**RECORDS, **EXTRA}


def consent(id: str, of: str, provision: Record | None, **more: Any) -> Record:
    """An active privacy Consent."""
    return {
        "resourceType": "Consent",
        "id": id,
        "status": "active",
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope",
                              "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": to(f"Patient/{of}"),
        "policyRule": {"coding": [{"system": ACT, "code": "X"}]},
        **({"provision": provision} if provision else {}),
        **more,
    }  # fmt: skip


def actor(reference: str) -> Record:
    return {"role": {"coding": [{"code": "IRCP"}]}, "reference": to(reference)}


def coding(system: str, code: str) -> Record:
    return {"system": system, "code": code}


# --- the oracle -----------------------------------------------------------------------------------

_WIDER = {"BTG": "ETREAT", "ETREAT": "TREAT", "CLINTRCH": "HRESCH"}
_DOES = {
    "read": {"access", "use", "disclose"},
    "search": {"access", "use", "disclose"},
    "update": {"access", "use", "disclose", "correct"},
    "create": {"collect"},
}
_KINDS = ("actor", "action", "purpose", "class", "code", "securityLabel", "data", "dataPeriod")


@dataclass(frozen=True)
class Asked:
    """`world`: the records that there are besides, for what an actor or datum refers to; `free`:
    the patient whom an emergency frees of Consents."""

    who: str
    purpose: str
    action: str
    world: dict[str, Record] = field(default_factory=lambda: ALL)
    free: str = ""


_SUBJECT = frozenset({
    "Observation", "Condition", "Encounter", "CareTeam", "MedicationRequest", "Composition",
    "DocumentReference", "Communication", "QuestionnaireResponse", "Task",
})  # fmt: skip


def subjects(record: Record) -> set[str]:
    """Patients whom it is about: not those who have merely performed or written it."""
    if record["resourceType"] in _SUBJECT:
        said = record.get("subject") or record.get("for") or {}
        reference = str(said.get("reference", ""))
        return {reference[8:]} if reference.startswith("Patient/") else set()
    return patients_of(record)


def _purposes(purpose: str) -> set[str]:
    found = {purpose}
    while purpose in _WIDER:
        purpose = _WIDER[purpose]
        found.add(purpose)
    return found


def _members(reference: str, world: dict[str, Record]) -> set[str]:
    if not reference.startswith("CareTeam/"):
        return {reference}
    team = world.get(reference)
    if team is None or team["status"] != "active":
        return {reference}
    return {reference} | {one["member"]["reference"] for one in team["participant"]}


def refers(record: Record) -> set[str]:
    """What a record refers to, where a search parameter knows of it."""
    if record["resourceType"] == "Consent":
        root = record.get("provision", {})
        some = [*root.get("actor", ()), *root.get("data", ())]
        return {
            record["patient"]["reference"],
            *(one["reference"]["reference"] for one in some if "reference" in one["reference"]),
        }
    return set(references(record))


def references(tree: Any) -> Iterator[str]:
    """The text of every Reference in a tree."""
    if isinstance(tree, dict):
        if isinstance(tree.get("reference"), str):
            yield tree["reference"]
        for value in tree.values():
            yield from references(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from references(value)


def _codes(record: Record) -> set[tuple[str | None, str]]:
    concepts = [record.get("code"), record.get("class"), *record.get("category", ())]
    return {
        (one.get("system"), one["code"])
        for concept in concepts
        if concept
        for one in (concept.get("coding") or [concept])
    }


def _level(record: Record) -> int:
    security = record.get("meta", {}).get("security", ())
    found = [one["code"] for one in security if one["system"] == LEVEL]
    return "ULMNRV".index(found[0] if found else "N")


def _about_labels(wanted: list[Record], record: Record, permits: bool) -> bool:
    levels = ["ULMNRV".index(one["code"]) for one in wanted if one["system"] == LEVEL]
    others = {(one["system"], one["code"]) for one in wanted if one["system"] != LEVEL}
    mine = {(one["system"], one["code"]) for one in record.get("meta", {}).get("security", ())}
    if others and not others & mine:
        return False
    if not levels:
        return True
    return _level(record) <= max(levels) if permits else _level(record) >= min(levels)


def _about_data(datum: Record, record: Record, world: dict[str, Record]) -> bool:
    reference = datum["reference"]["reference"]
    key = f"{record['resourceType']}/{record['id']}"
    meaning = datum["meaning"]
    if meaning == "authoredby":
        return reference in _authors(record)
    if key == reference:
        return True
    if meaning == "dependents":
        return reference in refers(record)
    return meaning == "related" and reference in world and key in refers(world[reference])


_AUTHORS = {
    "Observation": ("performer",),
    "Immunization": ("performer",),
    "AllergyIntolerance": ("recorder",),
    "MedicationRequest": ("requester",),
    "Composition": ("author",),
    "DocumentReference": ("author",),
    "Communication": ("sender",),
    "QuestionnaireResponse": ("author",),
    "Task": ("requester",),
}


def _authors(record: Record) -> set[str]:
    fields = (record.get(name) for name in _AUTHORS.get(record["resourceType"], ()))
    return {one.get("actor", one)["reference"] for value in fields for one in many(value)}


_DATED = {"Observation": "effectiveDateTime", "Consent": "dateTime",
          "AllergyIntolerance": "recordedDate", "Immunization": "occurrenceDateTime",
          "Composition": "date", "DocumentReference": "date",
          "QuestionnaireResponse": "authored", "Appointment": "start",
          "AuditEvent": "recorded"}  # fmt: skip


def _in_data_period(period: Record, record: Record, permits: bool) -> bool:
    """All of these are whole days, or far from where one ends."""
    when = record.get(_DATED.get(record["resourceType"], ""))
    if when is None:
        return not permits
    return bool(period.get("start", "") <= when <= period.get("end", "9999"))


def _holds(provision: Record, asked: Asked, record: Record, permits: bool) -> bool:
    """Whether one provision is about this, taken by itself."""
    actors = provision.get("actor", ())
    if actors:
        known = [one for one in actors if "reference" in one["reference"]]
        named = set().union(
            *(_members(one["reference"]["reference"], asked.world) for one in known)
        )
        if asked.who not in named and (permits or len(known) == len(actors)):
            return False
    actions = {one["coding"][0]["code"] for one in provision.get("action", ())}
    if actions and not actions & _DOES[asked.action]:
        return False
    purposes = {one["code"] for one in provision.get("purpose", ())}
    if purposes and not purposes & _purposes(asked.purpose):
        return False
    classes = {one["code"] for one in provision.get("class", ())}
    if classes and record["resourceType"] not in classes:
        return False
    codes = {(c["system"], c["code"]) for one in provision.get("code", ()) for c in one["coding"]}
    if codes and not codes & _codes(record):
        return False
    if provision.get("securityLabel") and not _about_labels(
        provision["securityLabel"], record, permits
    ):
        return False
    if "dataPeriod" in provision and not _in_data_period(provision["dataPeriod"], record, permits):
        return False
    data = provision.get("data", ())
    return not data or any(_about_data(one, record, asked.world) for one in data)


def _in_force(provision: Record) -> bool:
    """The dates drawn are long past or far ahead."""
    period = provision.get("period", {})
    return bool(period.get("start", "") < "2025" and period.get("end", "9999") > "2030")


@dataclass(frozen=True)
class Says:
    permits: bool
    kinds: frozenset[str]
    source: int


def _says(
    provision: Record,
    base: bool | None,
    around: tuple[Record, ...],
    asked: Asked,
    record: Record,
    source: int,
) -> list[Says]:
    """The provisions that decide, in one Consent."""
    if not _in_force(provision):
        return []
    path = (*around, provision)
    effect = {"permit": True, "deny": False}.get(provision.get("type", ""), base)
    below: list[Says] = []
    for one in provision.get("provision", ()):
        below += _says(one, None, path, asked, record, source)
    if any(not one.permits for one in below):
        below = [one for one in below if not one.permits]
    if below or effect is None:
        return below
    if asked.action == "create" and "collect" not in str([one.get("action") for one in path]):
        return []
    if all(_holds(one, asked, record, effect) for one in path):
        kinds = frozenset(kind for one in path for kind in _KINDS if kind in one)
        return [Says(effect, kinds, source)]
    return []


def says(consents: list[Record], asked: Asked, record: Record) -> bool | None:
    """What the Consents come to for a record: denied by somebody, permitted by everybody whom it is
    about, or neither. An AuditEvent is about one patient; another may have done something."""
    about = subjects(record)
    verdicts: list[bool | None] = []
    for patient in sorted(about):
        if asked.who == f"Patient/{patient}" or asked.free == patient:
            continue
        mine = [one for one in consents if one["patient"]["reference"] == f"Patient/{patient}"
                and one["status"] == "active" and _bears(one, asked)]  # fmt: skip
        mine.sort(key=lambda one: (one.get("dateTime", ""), one["id"]))
        found: list[Says] = []
        for source, one in enumerate(mine):
            found += _says(one.get("provision", {}), _base(one), (), asked, record, source)
        permits = [one for one in found if one.permits]
        denied = any(not one.permits and not any(_stands(p, one) for p in permits) for one in found)
        verdicts.append(False if denied else True if permits else None)
    if False in verdicts:
        return False
    of_one = record["resourceType"] == "AuditEvent"
    permitted = True in verdicts and (of_one or None not in verdicts)
    return True if permitted else None


def _stands(permit: Says, denial: Says) -> bool:
    if permit.source == denial.source:
        return False
    if permit.kinds == denial.kinds:
        return permit.source > denial.source
    return permit.kinds > denial.kinds


def _base(one: Record) -> bool | None:
    return {"OPTIN": True, "OPTOUT": False}.get(one["policyRule"]["coding"][0]["code"])


def _bears(one: Record, asked: Asked) -> bool:
    scope = one["scope"]["coding"][0]["code"]
    wanted = {"research": {"HRESCH"}, "treatment": {"TREAT"}, "patient-privacy": None, "adr": set()}
    bears = wanted[scope]
    return bears is None or bool(bears & _purposes(asked.purpose))


# --- drawing --------------------------------------------------------------------------------------

_OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "actor": st.lists(st.one_of(
        st.sampled_from(("Practitioner/n", "Practitioner/m", "CareTeam/t1", "CareTeam/t0",
                         "client/x", "RelatedPerson/r", "Patient/p0")).map(actor),
        st.just({"role": {"coding": [{"code": "IRCP"}]}, "reference": {"display": "Somebody"}}),
    ), min_size=1, max_size=2),
    "action": st.lists(
        st.sampled_from(("access", "disclose", "correct", "collect")).map(
            lambda code: {"coding": [coding("http://x", code)]}), min_size=1, max_size=2),
    "purpose": st.lists(st.sampled_from(("TREAT", "HRESCH", "ETREAT")).map(
        lambda code: coding(REASON, code)), min_size=1, max_size=2),
    "class": st.lists(st.sampled_from(("Observation", "Condition", "Patient", "Consent")).map(
        lambda code: coding(TYPES_SYSTEM, code)), min_size=1, max_size=2),
    "code": st.lists(st.sampled_from(("8302-2", "1-8")).map(
        lambda code: {"coding": [coding(LOINC, code)]}), min_size=1, max_size=2),
    "securityLabel": st.lists(st.sampled_from(
        (coding(LEVEL, "N"), coding(LEVEL, "R"), coding(LEVEL, "V"), coding(ACT, "ETH"),
         coding(ACT, "HIV"))), min_size=1, max_size=2),
    "data": st.lists(st.tuples(
        st.sampled_from(("instance", "related", "dependents", "authoredby")),
        st.sampled_from(("Observation/o0", "Observation/visit", "Encounter/e0", "Practitioner/n")),
    ).map(lambda two: {"meaning": two[0], "reference": to(two[1])}), min_size=1, max_size=2),
    "dataPeriod": st.sampled_from(({"start": "2020-01-01", "end": "2020-12-31"},
                                   {"start": "2021-01-01"}, {"end": "2020-12-31"})),
    "period": st.sampled_from(({"end": "2020-01-01"}, {"start": "2099-01-01"},
                               {"start": "2020-01-01", "end": "2099-01-01"})),
}  # fmt: skip
_SMALL = st.fixed_dictionaries({"type": st.sampled_from(("permit", "deny"))}, optional=_OPTIONAL)


def _bound(provision: Record) -> Record:
    """At most three kinds, so that it applies to something now and then."""
    kinds = [kind for kind in provision if kind not in ("type", "provision")]
    return {k: v for k, v in provision.items() if k not in kinds[3:]}


provisions = st.recursive(
    _SMALL.map(_bound),
    lambda inner: st.tuples(_SMALL.map(_bound), st.lists(inner, max_size=2)).map(
        lambda two: {**two[0], **({"provision": two[1]} if two[1] else {})}
    ),
    max_leaves=4,
)
_BASES = st.sampled_from(("OPTIN", "OPTOUT", "X", "X"))


Draft = tuple[str, Record, str, str, str, bool]


def drawn_consent(id: str, drawn: Draft) -> Record:
    """A Consent of what was drawn: patient, provision, base, scope, day, whether it has a type."""
    of, provision, base, scope, day, typed = drawn
    root = provision if typed else {k: v for k, v in provision.items() if k != "type"}
    more = {"dateTime": f"2020-01-{day}"}
    made = consent(id, of, root, **more)
    made["policyRule"] = {"coding": [coding(ACT, base)]}
    made["scope"] = {"coding": [{"system": made["scope"]["coding"][0]["system"], "code": scope}]}
    return made


def drafts(patients: tuple[str, ...]) -> st.SearchStrategy[Draft]:
    """What `drawn_consent` makes Consents of these patients of."""
    return st.tuples(
        st.sampled_from(patients),
        provisions,
        _BASES,
        st.sampled_from(("patient-privacy",) * 4 + ("research", "treatment", "adr")),
        st.sampled_from(("01", "02")),
        st.booleans(),
    )


consents = st.lists(drafts(("p0", "p0", "p1", "p2")), max_size=4).map(
    lambda drawn: [drawn_consent(f"k{n}", one) for n, one in enumerate(drawn)]
)


@dataclass(frozen=True)
class Consented:
    """Policies, somebody who asks, and Consents; for research only what is permitted is shown."""

    case: Case
    consents: list[Record]

    def caller(self) -> Caller:
        return self.case.caller()

    @property
    def records(self) -> dict[str, Record]:
        return {**ALL, **{f"Consent/{one['id']}": one for one in self.consents}}

    def lets(self, action: str, record: Record) -> bool:
        """What Consents say, the default of the institution included."""
        asked = Asked(self.case.who, self.case.purpose, action)
        keeps = "system/" in self.case.scopes or self.case.roles & {"front-desk", "privacy-officer"}
        if record["resourceType"] == "Consent" and keeps:
            return True  # who keeps them for patients sees them
        said = says(self.consents, asked, record)
        if self.case.purpose != "HRESCH" or action == "create" or not _is_patients(record):
            return said is not False
        own = f"Patient/{next(iter(subjects(record)), '')}" == self.case.who
        return said is True or (own and said is not False)

    def allowed(self, action: str) -> set[str]:
        """Keys of the records that this caller may do this to."""
        by_rights = self.case.allowed(action, self.records)
        return {key for key in by_rights if self.lets(action, self.records[key])}


def _is_patients(record: Record) -> bool:
    return record["resourceType"] in (
        "Patient", "Observation", "Condition", "Encounter", "CareTeam", "RelatedPerson", "Consent",
    )  # fmt: skip


consented = st.builds(Consented, cases, consents)
