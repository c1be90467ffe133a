"""`$consent-check` agrees with what a read answers, and names the provision that decided."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.kernel.clock import system_clock
from careplane.storage.engines.memory import MemoryStore
from tests.consent_house import ALL, TYPES_SYSTEM, actor, coding, consent, labels
from tests.fhir_house import TENANT, House, observation, open_house

pytestmark = pytest.mark.anyio

SCOPES = parse_scopes("user/*.rs")
DENY = {
    "type": "deny",
    "class": [coding(TYPES_SYSTEM, "Observation")],
    "provision": [{"type": "permit", "actor": [actor("Practitioner/m")]}],
}
CONSENTS = (consent("c", "p0", DENY), consent("d", "p1", {"type": "deny"}, dateTime="2020"),
            consent("e", "p1", {"type": "permit"}, dateTime="2021"))  # fmt: skip


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(MemoryStore(system_clock)) as house:
        for record in (
            *ALL.values(),
            observation("p2", "p1", meta=labels("42CFRPart2")),
            *CONSENTS,
        ):
            await house.put(record)
        yield house


async def checked(house: House, at: str = "Consent", **asked: str) -> dict[str, Any]:
    answer = await house.http.get(f"{at}/$consent-check", params=asked)
    assert answer.status_code == 200, answer.text
    return {
        one["name"]: next(v for k, v in one.items() if k.startswith("value"))
        for one in answer.json()["parameter"]
    }


ROWS = [
    ("Practitioner/n", "Observation/o0", "deny", "Consent/c", "provision"),
    ("Practitioner/m", "Observation/o0", "permit", "Consent/c", "provision.provision[0]"),
    ("Practitioner/n", "Condition/c0", "permit", None, None),
    ("Patient/p0", "Observation/o0", "permit", None, None),
    ("Practitioner/n", "Observation/o1", "permit", "Consent/e", "provision"),
]


@pytest.mark.parametrize(("who", "resource", "decision", "by", "place"), ROWS)
async def test_the_decision_and_what_made_it(
    house: House, who: str, resource: str, decision: str, by: str | None, place: str | None
) -> None:
    found = await checked(house, actor=who, resource=resource)
    assert found["decision"] == decision
    assert found.get("consent", {}).get("reference") == by
    assert found.get("provision") == place
    id = who.removeprefix("Patient/") if who.startswith("Patient/") else None
    async with house.client_of(Caller(TENANT, who, "Who", SCOPES, id)) as http:
        assert ((await http.get(resource)).status_code == 200) == (decision == "permit")


async def test_of_one_consent_alone(house: House) -> None:
    found = await checked(house, "Consent/d", actor="Practitioner/n", resource="Observation/o1")
    assert (found["decision"], found["consent"]["reference"]) == ("deny", "Consent/d")


async def test_of_a_patient(house: House) -> None:
    found = await checked(house, actor="Practitioner/n", patient="p1")
    assert (found["decision"], found["consent"]["reference"]) == ("permit", "Consent/e")
    found = await checked(house, actor="Practitioner/n", patient="Patient/p2")
    assert found["decision"] == "permit"


async def test_whoever_may_not_read_the_record_learns_nothing(house: House) -> None:
    asked = {"actor": "Practitioner/m", "resource": "Observation/o0"}
    async with house.client_of(Caller(TENANT, "Practitioner/n", "N", SCOPES)) as http:
        answer = await http.get("Consent/$consent-check", params=asked)
        absent = {**asked, "resource": "Observation/absent"}
        assert answer.status_code == 404
        assert answer.json() == (await http.get("Consent/$consent-check", params=absent)).json()


BAD = ({}, {"actor": "x"}, {"actor": "x", "patient": "p0", "resource": "Patient/p0"},
       {"actor": "x", "resource": "p0"}, {"actor": "x", "patient": "p0", "action": "fly"},
       {"patient": "p0"}, {"actor": "x", "patient": "p0", "more": "y"})  # fmt: skip


@pytest.mark.parametrize("asked", BAD)
async def test_what_is_missing_is_said(house: House, asked: dict[str, str]) -> None:
    answer = await house.http.get("Consent/$consent-check", params=asked)
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["diagnostics"]
