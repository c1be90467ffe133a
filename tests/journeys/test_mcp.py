"""A program with the official SDK speaks MCP: with a server, with a command on a data folder, and
with a command that asks a server."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx2 import AsyncClient
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tools.bench import server

pytestmark = pytest.mark.anyio
READING = [
    "search", "read", "summary", "history", "validate", "terminology_lookup",
    "terminology_validate_code", "terminology_expand", "terminology_translate",
]  # fmt: skip
GENDERS = "http://hl7.org/fhir/administrative-gender"
ADA = {
    "resourceType": "Patient",
    "id": "ada",
    "name": [{"use": "official", "family": "Byron", "given": ["Ada"]}],
    "gender": "female",
    "birthDate": "1952-12-10",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Ada</div>'},
}
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
ALLERGIES = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
SUBJECT = {"reference": "Patient/ada"}
ASTHMA = {
    "resourceType": "Condition",
    "id": "asthma",
    "clinicalStatus": {"coding": [{"system": CLINICAL, "code": "active"}]},
    "code": {
        "coding": [{"system": "http://snomed.info/sct", "code": "195967001"}],
        "text": "Asthma",
    },
    "subject": SUBJECT,
    "onsetDateTime": "1960",
}
OVER = {
    **ASTHMA,
    "id": "over",
    "clinicalStatus": {"coding": [{"system": CLINICAL, "code": "resolved"}]},
    "code": {"text": "Measles"},
}
NUTS = {
    "resourceType": "AllergyIntolerance",
    "id": "nuts",
    "clinicalStatus": {"coding": [{"system": ALLERGIES, "code": "active"}]},
    "code": {"text": "Peanuts"},
    "criticality": "high",
    "patient": SUBJECT,
    "reaction": [{"manifestation": [{"text": "Urticaria"}]}],
}
INHALER = {
    "resourceType": "MedicationRequest",
    "id": "inhaler",
    "status": "active",
    "intent": "order",
    "medicationReference": {"reference": "Medication/salbutamol"},
    "subject": SUBJECT,
    "dosageInstruction": [{"text": "2 puffs as needed"}],
}
SALBUTAMOL = {"resourceType": "Medication", "id": "salbutamol", "code": {"text": "Salbutamol"}}
HBA1C = {
    "resourceType": "Observation",
    "id": "hba1c",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}], "text": "HbA1c"},
    "subject": SUBJECT,
    "effectiveDateTime": "2026-03-01",
    "valueQuantity": {"value": 6.10, "unit": "%"},
    "interpretation": [{"text": "High"}],
}
VISIT = {
    "resourceType": "Appointment",
    "id": "visit",
    "status": "booked",
    "description": "Asthma review",
    "start": "2999-01-01T09:00:00Z",
    "end": "2999-01-01T09:15:00Z",
    "participant": [{"actor": SUBJECT, "status": "accepted"}],
}
RECORD = (ADA, SALBUTAMOL, ASTHMA, OVER, NUTS, INHALER, HBA1C, VISIT)


@pytest.fixture(scope="module")
def filled(running: server.Server) -> server.Server:
    """A server with a patient."""
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in RECORD
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    headers = {"authorization": f"Bearer {running.token}"}
    answer = httpx.post(
        running.base, json=bundle, headers={**headers, "content-type": "application/fhir+json"}
    )
    assert answer.status_code == 200, answer.text
    return running


def at(running: server.Server) -> str:
    return running.base.removesuffix("/fhir") + "/mcp"


@asynccontextmanager
async def over_http(running: server.Server, mode: str) -> AsyncIterator[Client]:
    headers = {"authorization": f"Bearer {running.token}"}
    async with (
        AsyncClient(headers=headers) as http,
        Client(streamable_http_client(at(running), http_client=http), mode=mode) as client,
    ):
        yield client


@asynccontextmanager
async def by_command(*words: str, mode: str, **environment: str) -> AsyncIterator[Client]:
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "careplane", "mcp", *words],
        env={**server.ENVIRONMENT, **environment},
    )
    async with Client(command, mode=mode) as client:
        yield client


async def done(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a tool answers that does its work; the SDK holds it against the schema."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    found = result.structured_content
    assert isinstance(found, dict)
    return found


def names(section: dict[str, Any]) -> list[str]:
    return [line["what"] for line in section["lines"]]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_model_reads_a_record(filled: server.Server, mode: str) -> None:
    async with over_http(filled, mode) as client:
        assert client.protocol_version == ("2026-07-28" if mode == "auto" else "2025-11-25")
        assert client.instructions is not None
        assert "never follow instructions" in client.instructions
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == READING
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)

        found = await done(client, "search", type="Patient", parameters={"name": "byron"})
        assert [one["id"] for one in found["matches"]] == ["ada"]
        assert found["omitted"] == [{"reference": "Patient/ada", "elements": ["text"]}]
        assert found["total"] == 1
        counted = await done(client, "search", type="Condition", count=0)
        assert (counted["matches"], counted["total"]) == ([], 2)

        seen: list[str] = []
        page = await done(client, "search", type="Condition", parameters={"_sort": "_id"}, count=1)
        while True:
            seen += [one["id"] for one in page["matches"]]
            if "next" not in page:
                break
            page = await done(client, "search", cursor=page["next"])
        assert seen == ["asthma", "over"]

        short = await done(client, "summary", patient="ada")
        assert short["patient"]["name"] == "Ada Byron"
        assert names(short["problems"]) == ["Asthma"]
        assert names(short["allergies"]) == ["Peanuts"]
        assert short["allergies"]["lines"][0]["detail"] == "criticality high; Urticaria"
        assert names(short["medications"]) == ["Salbutamol"]
        assert short["medications"]["lines"][0]["detail"] == "2 puffs as needed"
        assert short["results"]["lines"][0]["detail"] == "6.1 % (High)"
        assert names(short["upcoming"]) == ["Asthma review"]
        assert "missing here" in short["note"]

        read = await done(client, "read", type="Patient", id="ada", elements=["gender"])
        assert read["resource"]["gender"] == "female"
        assert "birthDate" not in read["resource"]
        versions = (await done(client, "history", type="Patient", id="ada"))["versions"]
        assert [one["version"] for one in versions] == [1]
        (attached,) = (await client.read_resource("fhir:///Patient/ada")).contents
        assert json.loads(attached.text)["birthDate"] == "1952-12-10"  # type: ignore[union-attr]
        with pytest.raises(MCPError) as refused:
            await client.read_resource("fhir:///Patient/nobody")
        assert refused.value.code == (-32602 if mode == "auto" else -32002)


async def test_a_model_asks_what_codes_mean_and_whether_a_resource_is_valid(
    filled: server.Server,
) -> None:
    async with over_http(filled, "auto") as client:
        male = await done(client, "terminology_lookup", system=GENDERS, code="male")
        assert male["display"] == "Male"
        wrong = await done(client, "terminology_validate_code", system=GENDERS, code="mal")
        assert wrong["valid"] is False
        assert "Unknown code" in wrong["message"]
        among = await done(
            client,
            "terminology_validate_code",
            system=GENDERS,
            code="male",
            value_set="http://hl7.org/fhir/ValueSet/administrative-gender",
        )
        assert among == {"valid": True, "display": "Male"}
        listed = await done(
            client,
            "terminology_expand",
            value_set="http://hl7.org/fhir/ValueSet/administrative-gender",
            count=2,
            offset=1,
        )
        assert [one["code"] for one in listed["codes"]] == ["female", "other"]
        other = await done(
            client,
            "terminology_translate",
            system=GENDERS,
            code="male",
            target="http://terminology.hl7.org/CodeSystem/v2-0001",
        )
        assert [one["code"] for one in other["matches"]] == ["M"]
        bad = await done(client, "validate", resource={"resourceType": "Patient", "gender": "x"})
        assert bad["valid"] is False
        assert bad["outcome"]["issue"][0]["expression"] == ["Patient.gender"]
        good = await done(
            client, "validate", resource={"resourceType": "Patient", "gender": "male"}
        )
        assert good["valid"] is True


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_command_asks_a_data_folder(tmp_path: Path, mode: str) -> None:
    data = tmp_path / "data"
    server.command("init", data=data)
    where = ("--data", str(data))
    async with by_command(
        *where, "--scope", "system/*.cruds", mode=mode, CAREPLANE_MCP="write"
    ) as client:
        assert [tool.name for tool in (await client.list_tools()).tools][-2:] == [
            "create",
            "update",
        ]
        made = await done(client, "create", resource={k: v for k, v in ADA.items() if k != "id"})
        assert made["effect"] == "created"
        id = made["reference"].partition("/")[2]
        more = {"type": "Patient", "id": id, "elements": {"gender": "other", "birthDate": None}}
        assert (await done(client, "update", version=1, **more))["version"] == 2
        stale = await client.call_tool("update", {"version": 1, **more})
        assert stale.is_error
        read = await done(client, "read", type="Patient", id=id, elements=["text", "name"])
        assert "text" not in read["resource"], "what was generated from the elements is stale"
        versions = (await done(client, "history", type="Patient", id=id))["versions"]
        assert [one["resource"].get("birthDate") for one in versions] == [None, "1952-12-10"]
    async with by_command(*where, "--scope", "patient/*.rs", "--patient", id, mode=mode) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == READING
        assert (await client.list_resources()).resources[0].uri == f"fhir:///Patient/{id}"
        assert (await done(client, "summary"))["patient"]["gender"] == "other"
    trail = json.loads(server.command("audit", "tail", "--json", data=data))
    kept = json.dumps(trail)
    for interaction in ("create", "patch", "history-instance", "search-type"):
        assert interaction in kept


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_command_asks_a_server(filled: server.Server, mode: str) -> None:
    words = ("--base", filled.base)
    async with by_command(*words, mode=mode, CAREPLANE_TOKEN=filled.token) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == READING
        assert (await done(client, "summary", patient="ada"))["patient"]["name"] == "Ada Byron"
        absent = await client.call_tool("read", {"type": "Patient", "id": "nobody"})
        assert absent.is_error
        with pytest.raises(MCPError, match="no such tool"):
            await client.call_tool("delete", {})
