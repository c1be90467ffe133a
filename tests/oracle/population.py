"""Sixty patients: the small hospital of `consent_house`, and more with labels, wards and rooms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.consent_house import ACT, ALL, labels
from tests.fhir_house import observation, patient
from tests.oracle.rooms import ROOMS
from tests.policy_house import Record, encounter, relative, team, to

PATIENTS = tuple(f"p{n}" for n in range(60))
UCUM = "http://unitsofmeasure.org"
PART2 = labels("R", "ETHUD", "42CFRPart2", "NODSCLCD")
GRAPH = {
    "resourceType": "GraphDefinition", "id": "g", "url": "http://example.org/g", "name": "G",
    "status": "active", "start": "Encounter",
    "link": [
        {"path": "Encounter.subject", "target": [{"type": "Patient"}]},
        {"path": "Encounter.location.location", "target": [{"type": "Location"}]},
        {"target": [{"type": "Observation", "params": "encounter={ref}"}]},
    ],
}  # fmt: skip


def narrative(n: int) -> Record:
    """It tells of what stands elsewhere in the record."""
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">555-{n % 9}, Line {n}, Kin {n}</div>'
    return {"status": "generated", "div": div}


def _more(n: int) -> Iterator[Record]:
    id, ward = f"p{n}", f"w{1 + n % 2}"
    status = ("in-progress", "finished", "arrived")[n % 3]
    names = [{"family": ("Quinn", "Ratke", "Abbott", "Ferry")[n % 4]}]
    secret: dict[str, Any] = {"meta": labels("V")} if n % 11 == 0 else {}
    part2: dict[str, Any] = {"meta": PART2} if n % 5 == 0 else {}
    performer = to(f"Practitioner/{'nm'[n % 2]}")
    yield patient(id, name=names, birthDate=f"19{n + 20}-01-0{1 + n % 3}", **secret)
    yield encounter(f"e{n}", id, status, ward, **({"participant": [{"individual": performer}]}
                                                   if n % 4 else {}))  # fmt: skip
    yield observation(f"o{n}", id, effectiveDateTime=f"2020-02-{1 + n % 28:02d}",
                      encounter=to(f"Encounter/e{n}"))  # fmt: skip
    yield observation(f"x{n}", id, code="1-8", effectiveDateTime=f"2021-03-{1 + n % 28:02d}",
                      performer=[performer], status="preliminary", **part2)  # fmt: skip
    if n % 3 == 0:
        yield observation(f"y{n}", id, effectiveDateTime=f"2021-04-{1 + n % 28:02d}",
                          encounter=to(f"Encounter/e{n}"), meta=labels("R", "HIV"))  # fmt: skip
    else:
        yield observation(f"y{n}", id, effectiveDateTime="2019-12-31")
    labelled = {"meta": PART2} if n % 7 == 0 else {}
    yield {"resourceType": "Condition", "id": f"c{n}", "subject": to(f"Patient/{id}"),
           "encounter": to(f"Encounter/e{n}"), **labelled}  # fmt: skip
    if n % 6 == 0:
        yield team(f"t{n}", id, ("active", "inactive")[n % 12 == 0], "Practitioner/n")
    if n % 10 == 0:
        yield relative(f"r{n}", id, active=n % 20 == 0)


def _told(n: int, record: Record) -> Record:
    """With more in it, which policies may hide."""
    more: Record = {}
    match record["resourceType"]:
        case "Observation":
            more = {
                "note": [{"text": f"Note {n}"}],
                "valueQuantity": {"value": 100 + n % 9, "unit": "cm", "system": UCUM, "code": "cm"},
            }
        case "Patient":
            more = {
                "text": narrative(n),
                "telecom": [{"system": "phone", "value": f"555-{n % 9}"}],
                "address": [{"line": [f"Line {n}"], "city": f"Town{n % 9}"}],
                "contact": [
                    {
                        "name": {"family": f"Kin {n}"},
                        "telecom": [{"system": "phone", "value": f"777-{n}"}],
                    }
                ],
            }
        case "Condition":
            more = {
                "note": [{"text": f"Note {n}"}],
                "bodySite": [{"coding": [{"system": "http://x", "code": f"b{n % 9}"}]}],
            }
        case "Encounter":
            more = {"reasonCode": [{"coding": [{"system": "http://x", "code": f"r{n % 9}"}]}]}
    return {**record, **more}  # fmt: skip


_ROWS = [*ALL.values(), *(record for n in range(4, 60) for record in _more(n)), GRAPH,
         *ROOMS]  # fmt: skip
WORLD: dict[str, Record] = {
    f"{r['resourceType']}/{r['id']}": _told(n, r) for n, r in enumerate(_ROWS)
}
TYPES = tuple(dict.fromkeys([*(key.split("/")[0] for key in WORLD), "Consent"]))
IN_COMPARTMENT = frozenset(
    {"Patient", "Observation", "Condition", "Encounter", "CareTeam", "RelatedPerson", "Consent"}
    | {"AllergyIntolerance", "MedicationRequest", "Immunization", "Composition", "Communication"}
    | {"DocumentReference", "QuestionnaireResponse", "Appointment", "Task"}
    | {"Schedule", "AuditEvent"}
)
"""Types of the patient compartment, and Task (decision 0080)."""


def part2(record: Record) -> bool:
    """Whether it is labelled as a record of 42 CFR Part 2."""
    labelled = record.get("meta", {}).get("security", ())
    return any((one["system"], one["code"]) == (ACT, "42CFRPart2") for one in labelled)
