"""Prescriptions with their checks, and refills: over every engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from careplane.care.prescribing.prescribing import Replaced, Unanswered
from careplane.care.prescribing.prescription import Prescription
from careplane.care.prescribing.sig import Sig, dosage
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import (
    CareplaneError,
    Conflict,
    Forbidden,
    Incorrect,
    NotFound,
    Precondition,
)
from tests.contracts.engines import ENGINES
from tests.fhir_house import House, open_house
from tests.prescribing_house import (
    COLLEAGUE,
    DOCTOR,
    NURSE,
    PATIENT,
    STRANGER,
    allergy,
    clinic,
    drug,
    furnish,
    order,
)

pytestmark = pytest.mark.anyio
TWICE = dosage(Sig(Decimal(1), "{tbl}", "26643006", "bd"))
WHY = "Agreed with the allergist"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=ENGINES)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    store = ENGINES[request.param](tmp_path, system_clock)
    try:
        async with open_house(store) as house:
            await furnish(house)
            yield house
    finally:
        await store.close()


def wanted(text: str, of: str = "p", **more: Any) -> Prescription:
    return Prescription(of, drug(text), {**TWICE, "text": "1 tablet twice a day"}, **more)


async def stored(house: House, type: str, query: str) -> list[dict[str, Any]]:
    answer = (await house.http.get(f"{type}?{query}")).json()
    return [entry["resource"] for entry in answer.get("entry", ())]


async def test_a_warning_stands_in_the_way_until_somebody_says_why(house: House) -> None:
    service = clinic(house).prescribing
    asked = wanted("Amoxicillin 500 MG Oral Capsule", quantity=Decimal(20), refills=1)
    with pytest.raises(Unanswered) as refused:
        await service.prescribe(DOCTOR, asked, {"other": WHY})
    (finding,) = refused.value.findings
    assert (finding.kind, finding.severity) == ("ALGY", "high")
    assert "penicillin" in finding.text
    assert await stored(house, "MedicationRequest", "patient=p&_total=accurate") != []
    assert len(await stored(house, "MedicationRequest", "patient=p")) == 1
    id = await service.prescribe(DOCTOR, asked, {finding.key: WHY})
    (made,) = await stored(house, "MedicationRequest", f"_id={id}")
    (issue,) = await stored(house, "DetectedIssue", "patient=p")
    assert made["detectedIssue"] == [{"reference": f"DetectedIssue/{issue['id']}"}]
    assert issue["mitigation"][0]["action"]["text"] == WHY
    assert issue["mitigation"][0]["author"]["reference"] == "Practitioner/d"
    implicated = {one["reference"] for one in issue["implicated"]}
    assert implicated == {f"MedicationRequest/{id}", "AllergyIntolerance/pen"}
    assert made["dosageInstruction"][0]["timing"]["code"]["coding"][0]["code"] == "BID"
    assert made["dispenseRequest"]["numberOfRepeatsAllowed"] == 1
    assert made["requester"]["reference"] == "Practitioner/d"


@pytest.mark.parametrize(("medicine", "kinds"), [
    ("Naproxen 500 MG Oral Tablet", {"DRG"}),
    ("Cefuroxime 250 MG Oral Tablet", {"ALGY"}),
    ("Phenprocoumon 3 MG Oral Tablet", {"DUPTHPY"}),
    ("Warfarin 1 MG Oral Tablet", {"DUPTHPY"}),
    ("Paracetamol 500 MG Oral Tablet", set()),
])  # fmt: skip
async def test_what_is_found(house: House, medicine: str, kinds: set[str]) -> None:
    found = await clinic(house).prescribing.check(DOCTOR, "p", drug(medicine), TWICE)
    assert {finding.kind.value for finding in found} == kinds
    assert not await clinic(house).prescribing.check(DOCTOR, "q", drug(medicine), TWICE)


async def test_knowledge_that_is_loaded_is_asked(house: House) -> None:
    """A made-up medicine acts on another by code, and on what stands below it in a code system."""
    concept = [{"code": "x1", "concept": [{"code": "x1a"}]}, {"code": "y"}]
    await house.put({"resourceType": "CodeSystem", "id": "cs", "url": "urn:cs", "status": "active",
                     "content": "complete", "hierarchyMeaning": "is-a",
                     "concept": concept})  # fmt: skip
    for id in ("x1", "y"):
        await house.put({"resourceType": "Medication", "id": f"m-{id}",
                         "code": {"coding": [{"system": "urn:cs", "code": id}]}})  # fmt: skip
    await house.put({"resourceType": "MedicinalProductInteraction", "id": "i",
                     "description": "The sky falls.", "type": {"text": "major"},
                     "subject": [{"reference": "Medication/m-x1"},
                                 {"reference": "Medication/m-y"}]})  # fmt: skip
    x = {"text": "Xylofen", "coding": [{"system": "urn:cs", "code": "x1a"}]}
    y = {"text": "Yttrol", "coding": [{"system": "urn:cs", "code": "y"}]}
    await house.put(order("y", y))
    (finding,) = await clinic(house).prescribing.check(DOCTOR, "p", x, TWICE)
    assert finding.source == "MedicinalProductInteraction/i"
    assert finding.severity == "high"
    assert "The sky falls." in finding.text
    assert not await clinic(house).prescribing.check(DOCTOR, "q", x, TWICE)
    await house.put(allergy("fam", "Something", code={
        "text": "Family X", "coding": [{"system": "urn:cs", "code": "x1"}]}))  # fmt: skip
    kinds = {f.kind.value for f in await clinic(house).prescribing.check(DOCTOR, "p", x, TWICE)}
    assert kinds == {"DRG", "ALGY"}


async def test_two_who_prescribe_at_once_see_each_other(house: House) -> None:
    services = [clinic(house).prescribing for _ in range(4)]
    work = [s.prescribe(c, wanted("Metformin 500 MG Oral Tablet", "q"), {})
            for s, c in zip(services, (DOCTOR, COLLEAGUE) * 2, strict=True)]  # fmt: skip
    done = await asyncio.gather(*work, return_exceptions=True)
    assert [type(one) for one in done].count(str) == 1
    assert all(isinstance(one, str | Conflict) for one in done), done
    assert len(await stored(house, "MedicationRequest", "patient=q")) == 1


async def test_renew_change_and_stop(house: House) -> None:
    service = clinic(house).prescribing
    asked = wanted("Warfarin Sodium 5 MG Oral Tablet")
    with pytest.raises(Precondition):
        await service.prescribe(DOCTOR, asked, {}, Replaced("warfarin", 7))
    id = await service.prescribe(DOCTOR, asked, {}, Replaced("warfarin", 1))
    (old,) = await stored(house, "MedicationRequest", "_id=warfarin")
    (new,) = await stored(house, "MedicationRequest", f"_id={id}")
    assert old["status"] == "completed"
    assert new["priorPrescription"] == {"reference": "MedicationRequest/warfarin"}
    more = {f"duplicate-{id}": WHY}
    with pytest.raises(Conflict, match="ended"):
        await service.prescribe(DOCTOR, asked, more, Replaced("warfarin", 2))
    for reason in ("", " ", "x" * 501):
        with pytest.raises(Incorrect):
            await service.stop(DOCTOR, id, reason, 1)
    await service.stop(DOCTOR, id, "salg", 1)
    (new,) = await stored(house, "MedicationRequest", f"_id={id}")
    assert new["status"] == "stopped"
    assert new["statusReason"]["coding"][0]["code"] == "salg"
    with pytest.raises(Conflict):
        await service.stop(DOCTOR, id, "again", 2)
    with pytest.raises(NotFound):
        await service.stop(DOCTOR, "nothing", "again", 1)
    later = await service.prescribe(DOCTOR, asked, {}, Replaced(id, 2, ""))
    (kept,) = await stored(house, "MedicationRequest", f"_id={id}")
    (new,) = await stored(house, "MedicationRequest", f"_id={later}")
    assert kept["status"] == "stopped", "what had ended stays as it ended"
    assert new["priorPrescription"]["reference"] == f"MedicationRequest/{id}"


async def test_who_may_not_prescribe(house: House) -> None:
    service = clinic(house).prescribing
    for caller in (NURSE, PATIENT, STRANGER):
        with pytest.raises(Forbidden):
            await service.prescribe(caller, wanted("Metformin 500 MG"), {})
        with pytest.raises((Forbidden, NotFound)):
            await service.stop(caller, "warfarin", "no", 1)


async def test_a_patient_asks_for_a_refill_and_is_answered(house: House) -> None:
    refills, service = clinic(house).refills, clinic(house).prescribing
    task = await refills.ask(PATIENT, "warfarin", "Only 4 left")
    (seen,) = await stored(house, "Task", f"_id={task}")
    assert seen["owner"]["reference"] == "Practitioner/d"
    assert seen["requester"]["reference"] == "Patient/p"
    assert seen["note"][0]["text"] == "Only 4 left"
    assert (await refills.of(PATIENT, "p"))["MedicationRequest/warfarin"]["status"] == "requested"
    with pytest.raises(Conflict):
        await refills.ask(PATIENT, "warfarin")
    with pytest.raises(NotFound):
        await refills.ask(STRANGER, "warfarin")
    for caller in (PATIENT, STRANGER, NURSE):
        with pytest.raises((Forbidden, NotFound)):
            await refills.decline(caller, task, "no")
    asked = wanted("Warfarin Sodium 5 MG Oral Tablet")
    id = await service.prescribe(DOCTOR, asked, {}, Replaced("warfarin", 1), task)
    mine = (await refills.of(PATIENT, "p"))["MedicationRequest/warfarin"]
    assert mine["status"] == "completed"
    assert mine["output"][0]["valueReference"]["reference"] == f"MedicationRequest/{id}"
    again = await refills.ask(PATIENT, id)
    await refills.decline(DOCTOR, again, "See me first")
    mine = (await refills.of(PATIENT, "p"))[f"MedicationRequest/{id}"]
    assert (mine["status"], mine["statusReason"]["text"]) == ("rejected", "See me first")
    assert await refills.of(STRANGER, "p") == {}


async def test_of_many_answers_to_a_refill_one_counts(house: House) -> None:
    refills, service = clinic(house).refills, clinic(house).prescribing
    task = await refills.ask(PATIENT, "warfarin")
    asked = wanted("Warfarin Sodium 5 MG Oral Tablet")
    done = await asyncio.gather(
        refills.decline(DOCTOR, task, "no"),
        service.prescribe(COLLEAGUE, asked, {}, Replaced("warfarin", 1), task),
        refills.decline(COLLEAGUE, task, "not now"),
        return_exceptions=True,
    )
    failed = [one for one in done if isinstance(one, CareplaneError)]
    assert len(failed) == 2, done
    assert all(isinstance(one, Conflict) for one in failed)
    (seen,) = await stored(house, "Task", f"_id={task}")
    prescribed = await stored(house, "MedicationRequest", "patient=p&status=active")
    assert (seen["status"] == "completed") == any(p["id"] != "warfarin" for p in prescribed)
