"""Results are acknowledged once, whoever does it and how many at once: over every engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.care.results.results import Results
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Forbidden, Incorrect, NotFound
from careplane.kernel.ids import new_id
from tests.contracts.engines import ENGINES
from tests.fhir_house import TENANT, House, observation, open_house, patient

pytestmark = pytest.mark.anyio
SINCE = date(2026, 1, 1)


def doctor(id: str, *roles: str) -> Caller:
    scopes = parse_scopes("user/*.cruds")
    return Caller(TENANT, f"Practitioner/{id}", f"Dr. {id.upper()}", scopes, None,
                  frozenset(roles or ("physician",)))  # fmt: skip


D, E = doctor("d"), doctor("e")
LAB = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category",
                    "code": "laboratory"}]}]  # fmt: skip


def flag(code: str) -> list[dict[str, Any]]:
    system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
    return [{"coding": [{"system": system, "code": code}]}]


def result(id: str, of: str = "p", **more: Any) -> dict[str, Any]:
    made = {"category": LAB, "effectiveDateTime": "2026-11-20T08:00:00Z", **more}
    return observation(id, of, "2823-3", **made)


def report(id: str, *results: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "DiagnosticReport", "id": id, "status": "final",
            "code": {"text": "Electrolytes"}, "subject": {"reference": "Patient/p"},
            "effectiveDateTime": "2026-11-21", "result": [{"reference": r} for r in results],
            **more}  # fmt: skip


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=ENGINES)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    store = ENGINES[request.param](tmp_path, system_clock)
    try:
        async with open_house(store) as house:
            for record in (patient("p"), patient("q"), result("k"), result("old"),
                           {"resourceType": "Practitioner", "id": "d"}):  # fmt: skip
                await house.put(record)
            yield house
    finally:
        await store.close()


def desk(house: House) -> Results:
    return Results(house.door, system_clock, new_id)


async def waits(house: House, caller: Caller = D, *, mine: bool = False, **more: Any) -> set[str]:
    found = await desk(house).waiting(caller, SINCE, mine=mine, **more)
    return {tree["id"] for tree in (*found.reports, *found.observations)}


async def test_what_nobody_has_acknowledged_asks_and_then_no_longer(house: House) -> None:
    await house.put(result("in-report"))
    await house.put(report("r", "Observation/in-report"))
    await house.put(result("before", effectiveDateTime="2025-12-31"))
    assert await waits(house) == {"k", "old", "r"}
    done = await desk(house).acknowledge(D, ["Observation/k", "DiagnosticReport/r"], "Repeat it")
    assert set(done.now) == {"Observation/k", "DiagnosticReport/r"}
    assert await waits(house) == {"old"}
    (task,) = [e["resource"] for e in
               (await house.http.get("Task?focus=Observation/k")).json()["entry"]]  # fmt: skip
    assert task["code"]["coding"][0]["code"] == "acknowledge"
    assert task["owner"] == {"reference": "Practitioner/d", "display": "Dr. D"}
    assert task["status"] == "completed"
    assert task["note"][0]["text"] == "Repeat it"
    assert task["for"] == {"reference": "Patient/p"}


async def test_of_many_at_once_one_is_first_and_no_comment_is_lost(house: House) -> None:
    callers = [doctor(f"c{n}") for n in range(6)]
    work = [desk(house).acknowledge(one, ["Observation/k"], f"says {one.id}") for one in callers]
    done = await asyncio.gather(*work)
    assert sum(len(one.now) for one in done) == 1
    first = next(c.name for c, one in zip(callers, done, strict=True) if one.now)
    assert {before[1] for one in done for before in one.before} == {first}
    (entry,) = (await house.http.get("Task?focus=Observation/k")).json()["entry"]
    said = {note["text"] for note in entry["resource"]["note"]}
    assert said == {f"says {one.id}" for one in callers}


async def test_a_result_asks_again_when_its_status_or_a_correction_changes_it(house: House) -> None:
    await house.put(result("n", status="preliminary"))
    for status, value, expected in (
        ("preliminary", None, False),
        ("final", None, True),
        ("corrected", "5.1", True),
        ("corrected", "5.2", True),
    ):
        more = {"valueString": value} if value else {}
        await house.put(result("n", status=status, **more))
        if expected:
            assert "n" in await waits(house), status
        await desk(house).acknowledge(D, ["Observation/n"])
        assert "n" not in await waits(house), status
    await house.http.post("Observation/n/$meta-add", json={
        "resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {
            "tag": [{"system": "urn:x", "code": "y"}]}}]})  # fmt: skip
    assert "n" not in await waits(house), "a tag changes nothing of what it says"


async def test_whom_a_result_asks(house: House) -> None:
    order = {"resourceType": "ServiceRequest", "id": "s", "status": "active", "intent": "order",
             "subject": {"reference": "Patient/q"},
             "requester": {"reference": "Practitioner/d"}}  # fmt: skip
    await house.put(order)
    await house.put({"resourceType": "CareTeam", "id": "t", "status": "active",
                     "subject": {"reference": "Patient/q"},
                     "participant": [{"member": {"reference": "Practitioner/e"}}]})  # fmt: skip
    await house.put(result("ordered", "q", basedOn=[{"reference": "ServiceRequest/s"}]))
    await house.put(result("read", performer=[{"reference": "Practitioner/d"}]))
    assert await waits(house, D, mine=True) == {"ordered", "read"}
    assert await waits(house, E, mine=True) == {"ordered"}
    assert await waits(house, patient="q") == {"ordered"}


async def test_vital_signs_do_not_ask(house: House) -> None:
    vital = [{"coding": [{"code": "vital-signs"}]}]
    await house.put(result("v", category=vital, interpretation=flag("HH")))
    await house.put(result("unread", status="registered"))
    assert await waits(house) == {"k", "old"}


async def test_words_to_the_patient_are_a_communication(house: House) -> None:
    await house.put(result("q1", "q"))
    with pytest.raises(Incorrect, match="one patient"):
        await desk(house).acknowledge(D, ["Observation/k", "Observation/q1"], "", "All is well")
    assert "k" in await waits(house), "all or nothing"
    await desk(house).acknowledge(D, ["Observation/k", "Observation/old"], "", "All is well")
    (entry,) = (await house.http.get("Communication?recipient=Patient/p")).json()["entry"]
    assert entry["resource"]["payload"] == [{"contentString": "All is well"}]
    assert len(entry["resource"]["about"]) == 2


async def test_who_may_not(house: House) -> None:
    mine = Caller(TENANT, "Patient/p", "P", parse_scopes("patient/*.cruds"), "p",
                  frozenset({"patient"}))  # fmt: skip
    with pytest.raises(Forbidden):
        await desk(house).acknowledge(mine, ["Observation/k"])
    with pytest.raises((Forbidden, NotFound)):
        await desk(house).acknowledge(doctor("f", "front-desk"), ["Observation/k"])
    with pytest.raises(NotFound):
        await desk(house).acknowledge(D, ["Observation/none"])
    for names in ([], ["Patient/p"], ["Observation/k?x"], [f"Observation/{n}" for n in range(101)]):
        with pytest.raises(Incorrect):
            await desk(house).acknowledge(D, names)
    nurse = doctor("n", "nurse")
    assert (await desk(house).acknowledge(nurse, ["Observation/k"])).now == ("Observation/k",)
