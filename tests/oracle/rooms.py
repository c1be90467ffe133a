"""What the rooms of care at a distance keep: of a third of the patients allergies, medicines,
vaccinations, results, notes, files, threads of messages, tasks, filled forms and visits; some of
them not for patients (NOPAT)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.consent_house import ACT, labels
from tests.fhir_house import observation
from tests.policy_house import Record, to
from tests.scheduling_house import rule, schedule, visit_type, zone

KIND, TOPIC, TASK = "urn:careplane:communication", "urn:careplane:topic", "urn:careplane:task"
LAB, FORM = "2345-7", "http://example.org/form"
NOT_FOR_PATIENTS = {"system": ACT, "code": "NOPAT"}
WITH_ROOMS = (0, 1, 2, *range(4, 60, 4), *range(10, 60, 10))
_AHEAD = datetime.now(UTC).date() + timedelta(days=90)
TO_BOOK = _AHEAD - timedelta(days=_AHEAD.weekday())
"""A Monday on which nobody has a visit yet; all visits that there are come before it."""
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_TOPICS = ("medical", "appointment", "prescription", "billing")
_LABELS: tuple[Record, ...] = (
    {}, {"meta": labels("R", "HIV")}, {}, {"meta": {"security": [NOT_FOR_PATIENTS]}},
    {"meta": labels("R", "ETHUD", "42CFRPart2", "NODSCLCD")}, {}, {"meta": labels("V")},
)  # fmt: skip


def _labelled(n: int) -> Record:
    return _LABELS[n % len(_LABELS)]


def concept(system: str, code: str, text: str = "") -> Record:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


def _active() -> Record:
    return concept("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active")


def _of(n: int) -> Iterator[Record]:
    id, who = to(f"Patient/p{n}"), to(f"Practitioner/{'nm'[n % 2]}")
    day = f"{1 + n % 28:02d}"
    yield {"resourceType": "AllergyIntolerance", "id": f"a{n}", "patient": id, "recorder": who,
           "clinicalStatus": _active(), "recordedDate": f"2020-03-{day}",
           "code": concept("http://x", f"allergen{n}", f"Allergen {n}"),
           **_labelled(n)}  # fmt: skip
    yield {"resourceType": "MedicationRequest", "id": f"m{n}", "status": "active",
           "intent": "order", "subject": id, "requester": who, "authoredOn": f"2021-01-{day}",
           "medicationCodeableConcept": concept("http://x", f"drug{n}", f"Drug {n}"),
           **_labelled(n + 1)}  # fmt: skip
    yield {"resourceType": "Immunization", "id": f"i{n}", "status": "completed", "patient": id,
           "vaccineCode": concept("http://hl7.org/fhir/sid/cvx", f"{80 + n}"),
           "occurrenceDateTime": f"2020-09-{day}", "lotNumber": f"Lot {n}",
           "performer": [{"actor": who}], **_labelled(n + 2)}  # fmt: skip
    measured = observation(f"l{n}", f"p{n}", effectiveDateTime=f"2021-06-{day}")
    yield {**measured, "code": concept("http://loinc.org", LAB, f"Lab {n}"),
           "category": [concept(_CATEGORY, "laboratory")], **_labelled(n + 3)}  # fmt: skip
    yield {"resourceType": "Composition", "id": f"d{n}", "subject": id, "author": [who],
           "status": ("final", "preliminary")[n % 3 == 0], "date": f"2021-06-{day}",
           "type": concept("http://loinc.org", "11506-3"), "title": f"Letter {n}",
           "section": [{"title": "Seen", "entry": [
               to(f"Observation/l{n}"), to(f"AllergyIntolerance/a{n}")]}],
           **_labelled(n + 4)}  # fmt: skip
    yield {"resourceType": "DocumentReference", "id": f"f{n}", "status": "current", "subject": id,
           "author": [who], "date": f"2020-06-{day}T10:00:00Z", "description": f"File {n}",
           "content": [{"attachment": {"contentType": "text/plain", "data": "aGFsbG8="}}],
           **_labelled(n + 5)}  # fmt: skip
    yield from _thread(n, id, who)
    admin = n % 2 == 0
    yield {"resourceType": "Task", "id": f"j{n}", "status": "requested", "intent": "order",
           "for": id, "requester": to("Practitioner/m"), "owner": to("Practitioner/n"),
           "code": concept(TASK, "administrative" if admin else "todo"),
           "authoredOn": f"2021-06-{day}T08:00:00Z", "description": f"Task {n}",
           **_labelled(n)}  # fmt: skip
    yield {"resourceType": "QuestionnaireResponse", "id": f"q{n}", "status": "completed",
           "questionnaire": FORM, "subject": id, "authored": f"2021-06-{day}",
           "author": (id, who)[n % 2], **_labelled(n + 6),
           "item": [{"linkId": "height", "answer": [{"valueDecimal": 150 + n}]}]}  # fmt: skip
    yield {"resourceType": "Appointment", "id": f"b{n}", "status": "booked",
           "description": f"Visit {n}", "start": f"{_visited(n)}T09:00:00Z",
           "end": f"{_visited(n)}T09:30:00Z",
           "participant": [{"actor": id, "status": "accepted"},
                           {"actor": who, "status": "accepted"}], **_labelled(n + 1)}  # fmt: skip


def _visited(n: int) -> date:
    """The day of a visit: all are to come, before `TO_BOOK`."""
    return TO_BOOK - timedelta(days=1 + n % 28)


def _thread(n: int, id: Record, who: Record) -> Iterator[Record]:
    """A head and a message; internal ones are not for patients."""
    topic = [concept(TOPIC, _TOPICS[n // 4 % 4])]
    internal = {"meta": {"security": [NOT_FOR_PATIENTS]}} if n % 5 == 0 else {}
    others = [id] if n % 7 else [id, to("Patient/p0")]
    shared: dict[str, Any] = {"resourceType": "Communication", "subject": id, "sender": who}
    yield {**shared, "id": f"h{n}", "status": ("in-progress", "completed")[n % 3 == 0],
           "category": [concept(KIND, "thread"), *topic], "topic": {"text": f"Thread {n}"},
           "recipient": [*others, to("HealthcareService/pool"), who], **internal}  # fmt: skip
    yield {**shared, "id": f"g{n}", "status": "completed", "partOf": [to(f"Communication/h{n}")],
           "category": [concept(KIND, "message"), *topic], "recipient": [id],
           "sent": f"2021-06-{1 + n % 28:02d}T09:00:00Z",
           "payload": [{"contentString": f"Words {n}"}]}  # fmt: skip


_SHARED: tuple[Record, ...] = (
    {"resourceType": "Questionnaire", "id": "form", "url": FORM, "status": "active",
     "subjectType": ["Patient"], "item": [
         {"linkId": "born", "type": "date", "text": "Born", "extension": [{
             "url": "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
                    "sdc-questionnaire-initialExpression",
             "valueExpression": {"language": "text/fhirpath",
                                 "expression": "%patient.birthDate"}}]},
         {"linkId": "height", "type": "decimal", "text": "Height", "code": [
             {"system": "http://loinc.org", "code": "8302-2"}], "extension": [{
                 "url": "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
                        "sdc-questionnaire-observationExtract",
                 "valueBoolean": True}]}]},
    {"resourceType": "HealthcareService", "id": "pool", "active": True, "name": "Questions",
     "type": [concept(TOPIC, "medical")]},
    {"resourceType": "PractitionerRole", "id": "pool-n", "active": True,
     "practitioner": to("Practitioner/n"),
     "healthcareService": [to("HealthcareService/pool")]},
    schedule("days", rule("09:00", "17:00"), visit_type("visit", 30), zone("Europe/Berlin"),
             actors=("Practitioner/n",)),
    {"resourceType": "Slot", "id": "slot", "schedule": to("Schedule/days"), "status": "free",
     "start": f"{_visited(0)}T09:00:00Z", "end": f"{_visited(0)}T09:30:00Z"},
)  # fmt: skip

ROOMS: tuple[Record, ...] = (
    *(record for n in sorted(set(WITH_ROOMS)) for record in _of(n)), *_SHARED,
)  # fmt: skip


def not_for_patients(record: Record, world: dict[str, Record]) -> bool:
    """Whether it is labelled as not for patients, or a message of a thread that is."""
    if NOT_FOR_PATIENTS in [_bare(one) for one in record.get("meta", {}).get("security", ())]:
        return True
    if record["resourceType"] != "Communication":
        return False
    heads = (world.get(one["reference"]) for one in record.get("partOf", ()))
    return any(head is not None and not_for_patients(head, {}) for head in heads)


def _bare(label: Record) -> Record:
    return {"system": label["system"], "code": label["code"]}
