"""The ways that Tasks go, over every engine: who takes which step, and what is refused with why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from careplane.kernel.clock import system_clock
from tests.contracts.engines import ENGINES
from tests.fhir_house import House, open_house, patient
from tests.tasks_house import KEEPS, WHO, output, task, to

pytestmark = pytest.mark.anyio
NO = {"statusReason": {"text": "Not needed any more"}}
DRUG = output("MedicationRequest/new")
Steps = list[tuple[str, str, dict[str, Any], int]]

WAYS: dict[str, tuple[dict[str, Any], Steps]] = {
    "a refill is taken and prescribed": (task("refill"), [
        ("nurse", "accepted", {}, 200),
        ("nurse", "in-progress", {"owner": to("Practitioner/n")}, 200),
        ("colleague", "completed", {}, 422),
        ("clerk", "completed", DRUG, 403),
        ("colleague", "completed", DRUG, 200),
        ("doctor", "requested", {}, 409),
        ("doctor", "rejected", NO, 409),
    ]),
    "a refill is declined with a reason": (task("refill"), [
        ("doctor", "rejected", {}, 422),
        ("app", "rejected", NO, 403),
        ("clerk", "rejected", NO, 403),
        ("colleague", "rejected", NO, 200),
    ]),
    "a refill is not needed any more": (task("refill"), [
        ("doctor", "cancelled", NO, 403),
        ("app", "cancelled", {}, 200),
    ]),
    "a referral goes to and fro": (task("referral"), [
        ("doctor", "accepted", {}, 403),
        ("stranger", "accepted", {}, 403),
        ("stranger", "requested", {"owner": to("Practitioner/x")}, 403),
        ("colleague", "on-hold", {}, 422),
        ("colleague", "on-hold", {"statusReason": {"text": "Which side?"}}, 200),
        ("colleague", "requested", {}, 403),
        ("doctor", "requested", {}, 200),
        ("colleague", "accepted", {}, 200),
        ("colleague", "completed", DRUG, 422),
        ("colleague", "completed", output("DocumentReference/report"), 200),
        ("doctor", "cancelled", NO, 409),
    ]),
    "a referral to an organization": (task("referral", owner=to("Organization/heart")), [
        ("doctor", "accepted", {}, 403),
        ("colleague", "accepted", {}, 200),
        ("doctor", "rejected", NO, 403),
        ("doctor", "cancelled", NO, 200),
    ]),
    "an acknowledgement is taken back by who gave it": (task("acknowledge"), [
        ("colleague", "entered-in-error", {}, 403),
        ("doctor", "requested", {}, 409),
        ("doctor", "entered-in-error", {}, 200),
    ]),
    "a form is filled": (task("fill-form"), [
        ("app", "completed", output("QuestionnaireResponse/a"), 409),
        ("app", "cancelled", {}, 403),
        ("app", "in-progress", {}, 422),
        ("app", "in-progress", output("QuestionnaireResponse/a"), 200),
        ("app", "completed", output("QuestionnaireResponse/a"), 200),
        ("doctor", "cancelled", {}, 409),
    ]),
    "a consult": (task("consult"), [
        ("colleague", "completed", output("Communication/a"), 409),
        ("interface", "cancelled", {}, 409),
    ]),
    "a correction is refused with a reason": (task("correction"), [
        ("app", "completed", {}, 403),
        ("nurse", "in-progress", {}, 200),
        ("nurse", "rejected", {}, 422),
        ("nurse", "rejected", NO, 200),
    ]),
    "a document of the patient is looked through": (task("look-through"), [
        ("app", "completed", output("DocumentReference/given"), 403),
        ("clerk", "completed", output("DocumentReference/given"), 403),
        ("nurse", "rejected", {}, 422),
        ("nurse", "completed", DRUG, 422),
        ("nurse", "completed", output("DocumentReference/given"), 200),
    ]),
    "what is to be done": (task("todo"), [
        ("nurse", "in-progress", {"owner": to("Practitioner/n")}, 200),
        ("nurse", "completed", {}, 200),
        ("nurse", "in-progress", {}, 409),
    ]),
    "an interface takes the steps there are": (task("refill"), [
        ("interface", "entered-in-error", {}, 409),
        ("interface", "completed", {}, 422),
        ("interface", "completed", DRUG, 200),
    ]),
}  # fmt: skip
BORN = [
    ("doctor", task("referral"), 201),
    ("doctor", task("referral", requester=to("Practitioner/e")), 403),
    ("doctor", task("referral", status="completed"), 422),
    ("doctor", task("acknowledge"), 201),
    ("doctor", task("acknowledge", owner=to("Practitioner/e")), 403),
    ("app", task("acknowledge", owner=to("Patient/p")), 403),
    ("app", task("refill"), 201),
    ("app", task("refill", requester=to("Practitioner/d")), 403),
    ("doctor", task("consult"), 409),
    ("interface", task("consult", status="completed"), 201),
    ("interface", task("refill", status="completed"), 201),
    ("doctor", {**task("todo"), "code": {"coding": [
        {"system": "urn:careplane:task", "code": "todo"},
        {"system": "urn:careplane:task", "code": "refill"},
    ]}}, 422),
]  # fmt: skip


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=ENGINES)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    store = ENGINES[request.param](tmp_path, system_clock)
    try:
        async with open_house(store, keeps=KEEPS) as house:
            await house.put(patient("p"))
            yield house
    finally:
        await store.close()


async def test_tasks_go_their_way(house: House) -> None:
    clients = {name: house.client_of(caller) for name, caller in WHO.items()}
    for number, (title, (begun, steps)) in enumerate(WAYS.items()):
        held = {**begun, "id": f"t{number}"}
        await house.put(held)
        for who, status, more, expected in steps:
            wanted = {**held, **more, "status": status}
            answer = await clients[who].put(f"Task/{held['id']}", json=wanted)
            assert answer.status_code == expected, (title, who, status, answer.text)
            if expected < 300:
                held = wanted
            else:
                assert answer.json()["resourceType"] == "OperationOutcome"
                now = (await house.http.get(f"Task/{held['id']}")).json()
                assert now["status"] == held["status"]


async def test_tasks_come_as_they_may(house: House) -> None:
    for number, (who, wanted, expected) in enumerate(BORN):
        answer = await house.client_of(WHO[who]).post("Task", json=wanted)
        assert answer.status_code == expected, (number, answer.text)


async def test_what_was_asked_and_said_stays(house: House) -> None:
    note = {"text": "Please.", "authorString": "Ada"}
    asked = task("refill", note=[note])
    await house.put(asked)
    doctor = house.client_of(WHO["doctor"])
    changes: list[dict[str, Any]] = [
        {"focus": to("MedicationRequest/other")},
        {"for": to("Patient/q")},
        {"requester": to("Practitioner/d")},
        {"code": {"text": "Something else"}},
        {"code": task("todo")["code"]},
        {"note": [{**note, "text": "Never mind."}]},
    ]
    for change in changes:
        answer = await doctor.put("Task/t", json={**asked, **change})
        assert answer.status_code == 409, (change, answer.text)
    more = {**asked, "note": [note, {"text": "Soon."}], "priority": "urgent"}
    assert (await doctor.put("Task/t", json=more)).status_code == 200
    assert (await doctor.delete("Task/t")).status_code == 409
    assert (await house.http.delete("Task/t")).status_code == 409
    done = {**more, **DRUG, "status": "completed"}
    assert (await doctor.put("Task/t", json=done)).status_code == 200
    other = {**done, **output("MedicationRequest/another")}
    assert (await doctor.put("Task/t", json=other)).status_code == 409
    said = {**done, "note": [*more["note"], {"text": "At the pharmacy now."}]}
    assert (await doctor.put("Task/t", json=said)).status_code == 200
