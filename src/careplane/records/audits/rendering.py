"""AuditEvents of a record of the trail (FHIR R4 6.5; IHE BALP 1.1.4), pure.

BALP wants one event a patient, and what one patient is shown must not name another. So the event of
a patient has the resources and the query of the request only where nobody else is concerned;
otherwise it has the query without its values, and one more event, of no patient, has everything.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence

from careplane.fhir.codec import envelope, json
from careplane.fhir.definitions import is_resource
from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.ledger.audit import AuditRecord, Outcome
from careplane.ledger.trail import Entry
from careplane.records.audits.meaning import BALP, DCM, RESTFUL, Meaning, meaning_of
from careplane.records.audits.naming import id_of
from careplane.storage.ports.records import Version

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
_PURPOSES = _TERMINOLOGY + "v3-ActReason"
_TOKEN_USER = "https://profiles.ihe.net/ITI/BALP/CodeSystem/UserAgentTypes"  # noqa: S105
_PEOPLE = frozenset({"Patient", "Practitioner", "PractitionerRole", "RelatedPerson"})
_WHO = _PEOPLE | {"Device", "Organization"}
_LOGICAL_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_VALUES = re.compile(r"=[^&]*")
_MOST = 200
"""Resources that one event names; how many more there were, it says."""
_SERVER = "Careplane"


def _coding(system: str, code: str, display: str = "") -> Tree:
    return {"system": system, "code": code, **({"display": display} if display else {})}


_SOURCE = _coding(DCM, "110153", "Source Role ID")
_DESTINATION = _coding(DCM, "110152", "Destination Role ID")
_APPLICATION = _coding(DCM, "110150", "Application")
_CUSTODIAN = _coding(_TERMINOLOGY + "provenance-participant-type", "custodian", "Custodian")
_RECIPIENT = _coding(_TERMINOLOGY + "v3-ParticipationType", "IRCP", "information recipient")
_AUTHOR = _coding(_TERMINOLOGY + "v3-ParticipationType", "AUT", "author (originator)")
_PROGRAM = {"R": _DESTINATION, "D": _APPLICATION}
"""What the program is to the data, by action: who sends is the source, a query included."""
_HERE = {"R": _SOURCE, "D": _CUSTODIAN}


def parts_of(record: AuditRecord) -> Sequence[int]:
    """The parts that a record is shown in."""
    if not record.patients:
        return (0,)
    return range(0 if _reduced(record) else 1, len(record.patients) + 1)


def version_of(entry: Entry, part: int) -> Version:
    """One event, as if it were stored."""
    recorded = entry.record.recorded // 1000 * 1000
    rest = envelope.split(json.dump(event(entry, part)))
    return Version("AuditEvent", id_of(entry.seq, part), 1, recorded, "POST", rest, 0)


def event(entry: Entry, part: int) -> Tree:
    """One event."""
    record = entry.record
    meaning = meaning_of(record.interaction)
    entities = _entities(record, part)
    profiles = _profiles(record, meaning, part, entities)
    return {
        "resourceType": "AuditEvent",
        "id": id_of(entry.seq, part),
        **({"meta": {"profile": profiles}} if profiles else {}),
        "type": _coding(*meaning.type),
        "subtype": [_subtype(record, meaning)],
        "action": meaning.action,
        "recorded": format_instant(record.recorded),
        "outcome": str(record.outcome),
        **({"outcomeDesc": cleaned(record.detail)} if record.detail else {}),
        **({"purposeOfEvent": [_purpose(record)]} if record.purpose else {}),
        "agent": _agents(record, meaning),
        "source": {
            "observer": {"display": _SERVER},
            "type": [_coding(_TERMINOLOGY + "security-source-type", "4", "Application Server")],
        },
        **({"entity": entities} if entities else {}),
    }


def cleaned(text: str) -> str:
    """Without control characters, line ends of any kind, and marks that turn the direction of what
    follows: whatever a client wrote stays one line, and what it looks like."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def _word(text: str) -> str:
    """As a code or uri, which have no blanks."""
    return "-".join(cleaned(text).split())


def _reduced(record: AuditRecord) -> bool:
    """Whether somebody else may be named: there are several patients, or a list of values."""
    return len(record.patients) > 1 or "," in record.query


def _profiles(
    record: AuditRecord, meaning: Meaning, part: int, entities: Sequence[Tree]
) -> list[str]:
    found = [BALP + "OAUTHaccessTokenUse.Minimal"] if record.token else []
    kind = "query" if meaning.pattern == "Query" else "what"
    own = [one for one in entities if one.get("type", {}).get("code") == "2"]
    whole = len(own) == 1 and kind in own[0]
    if record.outcome is Outcome.SUCCESS and meaning.pattern and whole and record.address:
        found.append(BALP + ("Patient" if part else "") + meaning.pattern)
    return found


def _subtype(record: AuditRecord, meaning: Meaning) -> Tree:
    if meaning.code and meaning.code != "operation":
        return _coding(RESTFUL, meaning.code)
    written = cleaned(record.interaction)
    if meaning.code:
        return {**_coding(RESTFUL, "operation"), "display": written}
    return {"code": _word(written) or "unknown"}


def _purpose(record: AuditRecord) -> Tree:
    return {"coding": [_coding(_PURPOSES, _word(record.purpose))]}


def _agents(record: AuditRecord, meaning: Meaning) -> list[Tree]:
    """The program, the server, and the person."""
    person = record.agent.partition("/")[0] in _WHO
    program = record.client if person else (record.client or record.agent)
    network = {"network": {"address": cleaned(record.address), "type": "2"}}
    found: list[Tree] = [
        {
            "type": {"coding": [_PROGRAM.get(meaning.action, _SOURCE)]},
            "who": {"identifier": {"value": cleaned(program)}}
            if program
            else {"display": "a browser or a program of the person"},
            "requestor": not person,
            **(network if record.address else {}),
        },
        {
            "type": {"coding": [_HERE.get(meaning.action, _DESTINATION)]},
            "who": {"display": _SERVER},
            "requestor": False,
            "network": {"address": _SERVER, "type": "1"},
        },
    ]
    if person:
        found.append(_person(record, meaning))
    if record.token:
        kind = {"coding": [_coding(_TOKEN_USER, "UserOauthAgent")]}
        found.append({"type": kind, "requestor": True, "policy": [_word(record.token)]})
    return found


def _person(record: AuditRecord, meaning: Meaning) -> Tree:
    return {
        "type": {"coding": [_AUTHOR if meaning.action in ("C", "U", "D") else _RECIPIENT]},
        "who": reference(record.agent),
        "requestor": True,
        **(
            {"role": [{"text": one} for one in sorted(record.roles.split())]}
            if record.roles
            else {}
        ),
        **({"purposeOfUse": [_purpose(record)]} if record.purpose else {}),
    }


def _entities(record: AuditRecord, part: int) -> list[Tree]:
    """The patient, the resources, the query. In part 0 patients are no references: they would
    bring it into their compartments."""
    found = [_patient(record.patients[part - 1])] if part else []
    reduced = _reduced(record)
    kind = _KINDS.get(meaning_of(record.interaction).pattern, _result)
    named = () if part and reduced else record.versions[:_MOST]
    found += [kind(*version, named=not part) for version in named]
    if named and len(record.versions) > _MOST:
        found.append({"name": f"and {len(record.versions) - _MOST} more"})
    if record.query and (kind is _result or not named):
        found.append(_query(_VALUES.sub("=", record.query) if part and reduced else record.query))
    return found


def _patient(id: str) -> Tree:
    return {
        "what": reference(f"Patient/{id}"),
        "type": _coding(_TERMINOLOGY + "audit-entity-type", "1", "Person"),
        "role": _coding(_TERMINOLOGY + "object-role", "1", "Patient"),
    }


def _data(type: str, id: str, version: int, *, named: bool) -> Tree:
    """What a request was about (BALP's slice `data`, known by its type 2)."""
    return {"what": _what(type, id, version, named=named), **_object("4", "Domain Resource")}


def _result(type: str, id: str, version: int, *, named: bool) -> Tree:
    """What came of it. BALP's slice `query` has the type 2 for itself."""
    role = _coding(_TERMINOLOGY + "object-role", "4", "Domain Resource")
    kind = _coding("http://hl7.org/fhir/resource-types", type)
    return {"what": _what(type, id, version, named=named), "type": kind, "role": role}


_KINDS = dict.fromkeys(("Read", "Create", "Update", "Delete"), _data)


def _what(type: str, id: str, version: int, *, named: bool) -> Tree:
    text = f"{type}/{id}/_history/{version}"
    return {"display": text} if named and type == "Patient" else reference(text)


def _query(text: str) -> Tree:
    return {
        **_object("24", "Query"),
        "description": cleaned(text),
        "query": b64encode(text.encode("utf-8", "replace")).decode(),
    }


def _object(role: str, display: str) -> Tree:
    return {
        "type": _coding(_TERMINOLOGY + "audit-entity-type", "2", "System Object"),
        "role": _coding(_TERMINOLOGY + "object-role", role, display),
    }


def reference(text: str) -> Tree:
    """A Reference to what the text names if it is one, or else an identifier."""
    type, _, id = text.partition("/")
    if is_resource(type) and _LOGICAL_ID.fullmatch(id.partition("/")[0]):
        return {"reference": text}
    return {"identifier": {"value": cleaned(text)}}
