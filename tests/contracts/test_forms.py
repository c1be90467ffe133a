"""Forms over every engine: begun with what is known, saved, completed with their task in one step,
amended, and never changed behind somebody's back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from careplane.care.forms import own, responses
from careplane.fhir.codec import json
from careplane.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Precondition
from careplane.records.bodies import accept
from careplane.search.extract import extract
from tests.contracts.conftest import Hands
from tests.contracts.engines import Store
from tests.forms_house import ADA, ADDRESS, BO, DOCTOR, HOSTILE, NOW, NURSE, Desk, open_desk, weight

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> Hands:
    return Hands(NOW)


@pytest.fixture
async def desk(store: Store, clock: Hands) -> AsyncIterator[Desk]:
    async with open_desk(store, clock) as desk:
        yield desk


async def test_a_form_is_filled_from_the_record_and_completed(desk: Desk) -> None:
    await desk.create(weight(70, "kg", "2025-01-01"))
    await desk.create(weight(220.5, "[lb_av]", "2026-11-01T08:00:00Z"))
    id = await desk.forms.begin(DOCTOR, "body", "p")
    (draft,) = await desk.all("QuestionnaireResponse")
    assert draft["status"] == "in-progress"
    assert draft["author"]["reference"] == "Practitioner/d"
    assert draft["subject"]["reference"] == "Patient/p"
    name, heavy = draft["item"]
    assert name["answer"] == [{"valueString": "Quinn"}]
    assert round(heavy["answer"][0]["valueDecimal"]) == 100
    opened = await desk.type(DOCTOR, id, p1="100", p2="175")
    assert await desk.forms.save(DOCTOR, opened, "en") == 2
    opened = await desk.type(DOCTOR, id, p4=HOSTILE)
    assert await desk.forms.complete(DOCTOR, opened, "en")
    (done,) = await desk.all("QuestionnaireResponse")
    answers = {item["linkId"]: item["answer"][0] for item in done["item"]}
    assert done["status"] == "completed"
    assert answers["bmi"]["valueDecimal"] == 32.7
    assert answers["why"]["valueString"] == HOSTILE.strip()


async def test_what_is_wrong_is_told_and_nothing_written(desk: Desk) -> None:
    id = await desk.forms.begin(DOCTOR, "body", "p")
    opened = await desk.type(DOCTOR, id, p2="175")
    with pytest.raises(Invalid):
        await desk.forms.complete(DOCTOR, opened, "en")
    told = {line.item.link: line.problems for line in opened.sheet.every() if line.problems}
    assert told == {"weight": ["A required question has no answer"]}
    assert await desk.forms.save(DOCTOR, opened, "en") == 2
    (draft,) = await desk.all("QuestionnaireResponse")
    assert draft["status"] == "in-progress"


async def test_of_two_who_save_one_version_one_is_told(desk: Desk) -> None:
    id = await desk.forms.begin(DOCTOR, "body", "p")
    mine, theirs = await desk.type(DOCTOR, id, p1="70"), await desk.type(NURSE, id, p1="71")
    found = await asyncio.gather(
        desk.forms.save(DOCTOR, mine, "en"),
        desk.forms.save(NURSE, theirs, "en"),
        return_exceptions=True,
    )
    assert sorted(map(str, map(type, found))) == sorted(map(str, (int, Precondition)))


async def test_a_task_asks_for_a_form_and_ends_with_it(desk: Desk) -> None:
    task = await desk.forms.ask(DOCTOR, "body", "p", "2026-12-24", HOSTILE)
    (asked,) = await desk.all("Task")
    assert asked["focus"] == {"reference": "Questionnaire/body"}
    assert asked["owner"] == asked["for"] == {"reference": "Patient/p"}
    with pytest.raises((NotFound, Forbidden)):
        await desk.forms.begin(BO, "", "q", task=task)
    found = await asyncio.gather(
        *(desk.forms.begin(ADA, "", "p", task=task) for _ in range(4)), return_exceptions=True
    )
    (id,) = {one for one in found if isinstance(one, str)}
    assert {type(one) for one in found if not isinstance(one, str)} <= {Conflict}
    assert await desk.forms.begin(ADA, "", "p", task=task) == id
    (asked,) = await desk.all("Task")
    reference = {"reference": f"QuestionnaireResponse/{id}"}
    assert (asked["status"], asked["output"][0]["valueReference"]) == ("in-progress", reference)
    opened = await desk.type(ADA, id, p1="70")
    await desk.forms.complete(ADA, opened, "en")
    (asked,), (done,) = await desk.all("Task"), await desk.all("QuestionnaireResponse")
    assert (asked["status"], done["status"]) == ("completed", "completed")
    assert done["source"]["reference"] == done["author"]["reference"] == "Patient/p"
    with pytest.raises(Conflict):
        await desk.forms.withdraw(DOCTOR, task)


async def test_patients_fill_forms_of_their_own(desk: Desk) -> None:
    id = await desk.forms.begin(ADA, "body", "p")
    with pytest.raises(NotFound):
        await desk.forms.open(BO, id, "en")
    with pytest.raises(Forbidden):
        await desk.forms.begin(BO, "body", "p")
    with pytest.raises(Forbidden):
        await desk.forms.ask(ADA, "body", "q")


async def test_what_is_completed_is_amended_and_no_draft_any_more(desk: Desk) -> None:
    id = await desk.forms.begin(DOCTOR, "body", "p")
    await desk.forms.complete(DOCTOR, await desk.type(DOCTOR, id, p1="70"), "en")
    opened = await desk.type(NURSE, id, p1="71")
    with pytest.raises(Conflict):
        await desk.forms.save(NURSE, opened, "en")
    with pytest.raises(Conflict):
        await desk.forms.discard(NURSE, id, opened.version)
    await desk.forms.complete(NURSE, opened, "en")
    (amended,) = await desk.all("QuestionnaireResponse")
    assert amended["status"] == "amended"
    assert amended["author"]["reference"] == "Practitioner/d"


async def test_a_draft_is_discarded_and_stays_on_record(desk: Desk) -> None:
    id = await desk.forms.begin(DOCTOR, "body", "p")
    with pytest.raises(Precondition):
        await desk.forms.discard(DOCTOR, id, 7)
    await desk.forms.discard(DOCTOR, id, 1)
    (stopped,) = await desk.all("QuestionnaireResponse")
    assert stopped["status"] == "stopped"


async def test_a_form_that_is_not_in_use_is_not_begun(desk: Desk) -> None:
    (body,) = await desk.all("Questionnaire")
    await desk.put({**body, "status": "retired"})
    with pytest.raises(Conflict):
        await desk.forms.begin(DOCTOR, "body", "p")
    with pytest.raises(Conflict):
        await desk.forms.ask(DOCTOR, "body", "p")


async def test_what_was_answered_is_in_the_record_with_it_and_once(desk: Desk) -> None:
    id = await desk.forms.begin(ADA, "body", "p")
    await desk.forms.complete(ADA, await desk.type(ADA, id, p1="100", p2="175"), "en")
    found = {one["code"]["coding"][0]["code"]: one for one in await desk.all("Observation")}
    assert {code: one["valueQuantity"]["value"] for code, one in found.items()} == {
        "29463-7": 100,
        "39156-5": 32.7,
    }
    weight = found["29463-7"]
    reference = {"reference": f"QuestionnaireResponse/{id}"}
    assert weight["derivedFrom"] == [reference]
    assert weight["performer"][0]["reference"] == "Patient/p"
    assert weight["valueQuantity"]["code"] == "kg"
    assert weight["category"][0]["coding"][0]["code"] == "vital-signs"
    assert (weight["status"], weight["effectiveDateTime"]) == ("final", "2026-11-28T12:00:00Z")
    (provenance,) = await desk.all("Provenance")
    assert provenance["entity"] == [{"role": "source", "what": reference}]
    assert {one["reference"] for one in provenance["target"]} == {
        *(f"Observation/{one['id']}" for one in found.values()),
        "Patient/p",
    }
    assert await desk.forms.extract(DOCTOR, id) == 0
    assert len(await desk.all("Observation")) == 2


async def test_what_is_amended_is_amended_in_the_record(desk: Desk) -> None:
    id = await desk.forms.begin(DOCTOR, "body", "p")
    await desk.forms.complete(DOCTOR, await desk.type(DOCTOR, id, p1="100", p2="175"), "en")
    await desk.create(weight(99, "kg", "2026-11-28T13:00:00Z"))
    await desk.forms.complete(NURSE, await desk.type(NURSE, id, p1="90", p2=""), "en")
    found = [
        (one["code"]["coding"][0]["code"], one["status"], one["valueQuantity"]["value"])
        for one in await desk.all("Observation", "_sort=code")
    ]
    assert sorted(found) == [
        ("29463-7", "amended", 90),
        ("29463-7", "final", 99),
        ("39156-5", "entered-in-error", 32.7),
    ]
    await desk.forms.complete(NURSE, await desk.type(NURSE, id, p2="175"), "en")
    found = [one["status"] for one in await desk.all("Observation", "code=39156-5")]
    assert found == ["amended"]


async def test_a_draft_puts_nothing_into_the_record(desk: Desk) -> None:
    id = await desk.forms.begin(DOCTOR, "body", "p")
    await desk.forms.save(DOCTOR, await desk.type(DOCTOR, id, p1="100", p2="175"), "en")
    with pytest.raises(Conflict):
        await desk.forms.extract(DOCTOR, id)
    assert await desk.all("Observation") == await desk.all("Provenance") == []


async def test_who_may_not_change_a_record_leaves_it_to_others(desk: Desk) -> None:
    await desk.put(ADDRESS)
    id = await desk.forms.begin(ADA, "address", "p")
    opened = await desk.type(ADA, id, p1_0_0="Elm Street", p1_0_1="Springfield", p2="Aunt May")
    assert not await desk.forms.complete(ADA, opened, "en")
    (done,) = await desk.all("QuestionnaireResponse")
    assert done["status"] == "completed"
    assert await desk.all("RelatedPerson") == []
    assert await desk.forms.extract(DOCTOR, id) == 3
    (ada,) = await desk.all("Patient", "_id=p")
    assert ada["address"] == [{"line": ["Elm Street"], "city": "Springfield"}]
    assert ada["name"][0]["family"] == "Quinn"
    (aunt,) = await desk.all("RelatedPerson")
    assert aunt["name"] == [{"text": "Aunt May"}]
    assert aunt["patient"] == {"reference": "Patient/p"}
    assert await desk.forms.extract(DOCTOR, id) == 0
    assert len(await desk.all("RelatedPerson")) == 1


async def test_a_patient_does_not_change_what_staff_have_filled(desk: Desk) -> None:
    id = await desk.forms.begin(DOCTOR, "body", "p")
    opened = await desk.type(ADA, id, p1="70")
    for change in (desk.forms.save, desk.forms.complete):
        with pytest.raises(Forbidden):
            await change(ADA, opened, "en")
    with pytest.raises(Forbidden):
        await desk.forms.discard(ADA, id, 1)
    mine = await desk.forms.begin(ADA, "body", "p")
    await desk.forms.save(DOCTOR, await desk.type(DOCTOR, mine, p1="70"), "en")


async def test_by_api_a_patient_writes_only_what_is_their_own(desk: Desk) -> None:
    """As `app.build` wires it: asked of every write by whatever way."""
    tree = responses.begun(await desk.forms.form(ADA, "body"), ADA, "p", "2026-11-28T12:00:00Z")
    admitted = accept(extract, json.dump(tree), "QuestionnaireResponse")
    assert own.response(ADA, admitted) is admitted
    assert own.response(DOCTOR, admitted) is admitted
    with pytest.raises(Forbidden):
        own.response(BO, admitted)
    del tree["source"]
    with pytest.raises(Forbidden):
        own.response(ADA, accept(extract, json.dump(tree), "QuestionnaireResponse"))
