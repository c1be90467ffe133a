"""A visit from the appointment to its summary, as other systems see it: FHIR all along. By the
operations of a server as a user would start it, and two of its processes."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import websockets

from careplane.kernel.clock import system_clock
from careplane.rest.addressing import Addressing
from careplane.rest.app import Fhir
from careplane.rest.interactions.capabilities import Capabilities
from careplane.rest.links import Pages
from careplane.rest.service import Service
from careplane.storage.engines.memory import MemoryState
from careplane.telehealth.visits.operations import Operations
from tests.fhir_house import LIMIT, REGISTRY, client, patient
from tests.subscription_house import until
from tests.visit_house import (
    COLLEAGUE,
    DOCTOR,
    PATIENT,
    STRANGER,
    Clinic,
    appointment,
    open_clinic,
)
from tools.bench import server

pytestmark = pytest.mark.anyio
TURN = {
    "CAREPLANE_TURN_URLS": "turn:relay.test:3478",
    "CAREPLANE_TURN_SECRET": "between us two",
}


@pytest.fixture
async def clinic() -> AsyncIterator[Clinic]:
    async with open_clinic(MemoryState()) as clinic:
        yield clinic


def parameters(answer: httpx.Response) -> dict[str, Any]:
    """What an operation answered."""
    assert answer.status_code == 200, answer.text
    return {
        p["name"]: next(v for k, v in p.items() if k.startswith("value"))
        for p in answer.json()["parameter"]
    }


async def test_a_visit_is_in_the_record(clinic: Clinic) -> None:
    await clinic.book()
    doctor, ada = await clinic.together()
    (consent,) = await clinic.of("Consent", "patient=Patient/p&status=active")
    assert consent["identifier"][0]["value"] == "a"
    assert consent["performer"] == [{"reference": "Patient/p", "display": "Ada Quinn"}]
    where = (await doctor.hear("recorded"))["encounter"]
    (found,) = await clinic.of("Encounter", "appointment=Appointment/a")
    assert (f"Encounter/{found['id']}", found["status"]) == (where, "in-progress")
    assert found["subject"] == {"reference": "Patient/p"}
    (held,) = await clinic.of("Appointment")
    assert held["status"] == "arrived"

    for text in ("one", "the dose is 5 mg", "three"):
        doctor.say("chat", text=text)
    lines = [(await ada.hear("chatted"))["line"] for _ in range(3)]
    ada.say("keep", lines=lines[:1])
    assert (await ada.hear("problem"))["code"] == "host"
    doctor.say("keep", lines=[lines[1]])
    assert (await ada.hear("kept"))["lines"] == [lines[1]], "the other is told"
    (kept,) = await clinic.of("Communication", "subject=Patient/p")
    (payload,) = kept["payload"]
    assert payload["contentString"].endswith("Dr. D: the dose is 5 mg")
    assert kept["encounter"] == {"reference": where}

    pdf = b"%PDF-1.7 photo of a rash\n%%EOF\n"
    document = await clinic.visits.share(PATIENT, "a", "Rash", "application/pdf", pdf)
    ada.say("shared", document=document, title="Rash")
    assert (await doctor.hear("filed"))["document"] == document
    doctor.say("end")
    await ada.hear("ended")

    async def finished() -> bool:
        return [one["status"] for one in await clinic.of("Appointment")] == ["fulfilled"]

    await until(finished)
    (found,) = await clinic.of("Encounter")
    assert found["status"] == "finished"
    assert {"start", "end"} <= set(found["period"])
    assert len(found["participant"]) == 2
    assert all({"start", "end"} <= set(one["period"]) for one in found["participant"])
    await clinic.visits.summarize(DOCTOR, "a", "Rest, and drink.")
    mine = clinic.house.client_of(PATIENT)
    answer = await mine.get("DocumentReference?patient=Patient/p&_sort=date")
    file, summary = [e["resource"] for e in answer.json()["entry"]]
    assert base64.b64decode(file["content"][0]["attachment"]["data"]) == pdf
    data = summary["content"][0]["attachment"]["data"]
    assert base64.b64decode(data) == b"Rest, and drink."
    assert summary["author"][0]["reference"] == "Practitioner/d"


async def test_one_encounter_however_often_somebody_comes(clinic: Clinic) -> None:
    await clinic.book()
    await clinic.together()
    for _ in range(2):
        again = await clinic.join(PATIENT)
        await again.hear("waiting")
        again.say("leave")
        await again.closed()
    assert len(await clinic.of("Encounter")) == 1
    assert len(await clinic.of("Consent")) == 1


async def test_the_queue_knows_who_is_before(clinic: Clinic) -> None:
    await clinic.book("first", of="q", begins=-10)
    await clinic.visits.consent(STRANGER, "first")
    one = await clinic.join(STRANGER, "first")
    await one.hear("waiting")
    await clinic.book("a", begins=5)
    ada = await clinic.join(PATIENT)

    async def told() -> bool:
        waiting = await ada.hear("waiting")
        return waiting["before"] == 1 and 19 * 60 < waiting["seconds"] <= 20 * 60

    await until(told)


ASKED = [
    (COLLEAGUE, "visit-summary", {"text": "x"}, 403),
    (PATIENT, "visit-summary", {"text": "x"}, 403),
    (COLLEAGUE, "visit-invite", {"name": "x"}, 403),
    (STRANGER, "visit-invite", {"name": "x"}, 404),
    (COLLEAGUE, "visit-file", {"contentType": "application/pdf", "data": "JVBERi0="}, 403),
    (STRANGER, "visit-file", {"contentType": "application/pdf", "data": "JVBERi0="}, 404),
    (DOCTOR, "visit-join", {"consent": "true"}, 403),
    (STRANGER, "visit-join", {}, 404),
    (DOCTOR, "visit-invite", {"name": ""}, 400),
    (DOCTOR, "visit-invite", {"name": "x" * 81}, 400),
    (DOCTOR, "visit-join", {"consent": "perhaps"}, 400),
    (PATIENT, "visit-file", {"contentType": "text/html", "data": "PGh0bWw+"}, 400),
    (PATIENT, "visit-file", {"contentType": "application/pdf", "data": "%%%"}, 400),
    (DOCTOR, "visit-join", {}, 200),
    (PATIENT, "visit-join", {"consent": "true"}, 200),
    (PATIENT, "visit-invite", {"name": "Daughter"}, 200),
    (PATIENT, "visit-file", {"contentType": "application/pdf", "data": "JVBERi0="}, 400),
    (
        PATIENT,
        "visit-file",
        {"contentType": "application/pdf", "data": "JVBERi0xLjcKJSVFT0YK"},
        200,
    ),
    (DOCTOR, "visit-summary", {"text": "Rest."}, 200),
]


async def test_who_may_do_what(clinic: Clinic) -> None:
    await clinic.book()
    await clinic.together()
    operations = Operations(clinic.visits).offered()
    service = Service(clinic.house.door, Pages(bytes(range(32))), LIMIT)
    said = Capabilities(REGISTRY, operations, system_clock())
    app = Fhir(service, clinic.house.tokens.resolve, said, operations, Addressing())
    for caller, name, values, status in ASKED:
        async with client(app, clinic.house.tokens.issue(caller, 600)) as http:
            answer = await http.post(f"Appointment/a/${name}", json=_body(**values))
        assert answer.status_code == status, (caller.id, name, answer.text)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Server]:
    """A server of two processes."""
    data = tmp_path_factory.mktemp("visits") / "data"
    server.command("init", data=data)
    with server.serving(data, 2, TURN) as running:
        yield running


async def _heard(socket: Any, *types: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if message["type"] in types:
                return message


async def test_rooms_of_a_server_with_two_processes(served: server.Server) -> None:
    headers = {"authorization": f"Bearer {served.token}"}
    me = {"reference": "Practitioner/d"}
    async with httpx.AsyncClient(base_url=served.base + "/", headers=headers, timeout=30) as http:
        assert (await http.put("Patient/p", json=patient("p"))).is_success
        found = appointment("a", system_clock(), by="Practitioner/d")
        found["participant"][1]["actor"] = me
        assert (await http.put("Appointment/a", json=found)).is_success
        answer = await http.post("Appointment/a/$visit-invite", json=_body(name="Interpreter"))
        assert answer.status_code == 403, "a program is no host"
        tickets = [parameters(await http.post("Appointment/a/$visit-join")) for _ in range(8)]
        assert {one["role"] for one in tickets} == {"guest"}
        url = tickets[0]["websocket-url"]
        sockets = [await websockets.connect(url) for _ in tickets]
        for socket, given in zip(sockets, tickets, strict=True):
            await socket.send(json.dumps({"type": "join", "ticket": given["ticket"]}))
        for socket in sockets:
            assert (await _heard(socket, "waiting", "problem"))["type"] == "waiting"
        ninth = await websockets.connect(url)
        given = parameters(await http.post("Appointment/a/$visit-join"))
        await ninth.send(json.dumps({"type": "join", "ticket": given["ticket"]}))
        assert (await _heard(ninth, "problem"))["code"] == "full", "they are in one room"
        for socket in (*sockets, ninth):
            await socket.close()
        statement = (await http.get("metadata")).json()
        offered = next(r for r in statement["rest"][0]["resource"] if r["type"] == "Appointment")[
            "operation"
        ]
        assert "visit-join" in {one["name"] for one in offered}


def _body(**values: str) -> dict[str, Any]:
    parameter = [{"name": k, "valueString": v} for k, v in values.items() if v]
    some = {"parameter": parameter} if parameter else {}
    return {"resourceType": "Parameters"} | some


async def test_a_socket_of_a_server_resumes_within_two_seconds(served: server.Server) -> None:
    headers = {"authorization": f"Bearer {served.token}"}
    async with httpx.AsyncClient(base_url=served.base + "/", headers=headers, timeout=30) as http:
        assert (await http.put("Patient/p", json=patient("p"))).is_success
        assert (await http.put("Appointment/b", json=appointment("b", system_clock()))).is_success
        given = parameters(await http.post("Appointment/b/$visit-join"))
        socket = await websockets.connect(given["websocket-url"])
        await socket.send(json.dumps({"type": "join", "ticket": given["ticket"]}))
        welcome = await _heard(socket, "welcome")
        socket.transport.abort()
        began = time.perf_counter()
        back = await websockets.connect(given["websocket-url"])
        await back.send(json.dumps({"type": "join", "resume": welcome["resume"]}))
        again = await _heard(back, "welcome", "problem")
        assert again["seat"] == welcome["seat"]
        assert time.perf_counter() - began < 2
        await back.send(json.dumps({"type": "leave"}))
        await asyncio.wait_for(back.wait_closed(), 5)
        assert back.close_code == 1000, "the server closes, and does not wait for the client"
