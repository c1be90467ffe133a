"""`$health-cards-issue`, and the keys that its cards are verified by."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from careplane.sharing.cards.card import MOST_OF_A_CODE
from careplane.sharing.cards.published import PATH, application
from careplane.storage.engines.memory import MemoryState
from tests.fhir_house import BASE
from tests.sharing_house import OTHER, PATIENT, RECORD, ROOT, Sharing, open_sharing

pytestmark = pytest.mark.anyio
REGISTRY = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
VACCINE = next(one for one in RECORD if one["resourceType"] == "Immunization")


@pytest.fixture
async def sharing() -> AsyncIterator[Sharing]:
    async with open_sharing(MemoryState()) as made:
        yield made


async def issue(sharing: Sharing, *parameters: tuple[str, str]) -> httpx.Response:
    """As the patient's app asks."""
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": name, "valueString": value} for name, value in parameters],
    }
    client = sharing.house.client_of(PATIENT)
    return await client.post("Patient/p/$health-cards-issue", json=body)


async def read(sharing: Sharing, answer: httpx.Response) -> list[list[Any]]:
    """The resources of each card, verified by what is published."""
    app = application(sharing.cards.keys, sharing.clock)
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=ROOT) as web:
        told = await web.get(PATH)
    assert told.headers["access-control-allow-origin"] == "*"
    keys = KeySet.import_key_set(told.json())
    found = []
    for one in answer.json().get("parameter", ()):
        if one["name"] == "verifiableCredential":
            opened = jws.deserialize_compact(one["valueString"], keys, registry=REGISTRY)
            payload = json.loads(zlib.decompress(opened.payload, -15))
            assert payload["iss"] == ROOT
            bundle = payload["vc"]["credentialSubject"]["fhirBundle"]
            found.append([entry["resource"] for entry in bundle["entry"]])
    return found


async def test_a_card_of_a_type_and_where_its_content_is(sharing: Sharing) -> None:
    answer = await issue(sharing, ("credentialType", "Immunization"))
    ((person, vaccine),) = await read(sharing, answer)
    assert person["birthDate"] == "1980-02-29"
    assert vaccine["performer"] == [{"actor": {"display": "Okafor"}}]
    links = [one["part"] for one in answer.json()["parameter"] if one["name"] == "resourceLink"]
    assert [(part[1]["valueUri"], part[2]["valueUri"]) for part in links] == [
        ("resource:0", f"{BASE}/Patient/p"),
        ("resource:1", f"{BASE}/Immunization/i"),
    ]


@pytest.mark.parametrize(
    ("parameters", "types"),
    [
        ((("credentialType", "Observation"),), ["Observation"]),
        ((("credentialType", "https://smarthealth.cards#laboratory"),), ["Observation"]),
        (
            (("credentialType", "http://hl7.org/fhir/StructureDefinition/Immunization"),),
            ["Immunization"],
        ),
        (
            (("credentialType", "https://smarthealth.cards#health-card"),),
            ["Immunization", "Observation"],
        ),
        ((("credentialType", "Immunization"), ("_since", "2025-10-03")), []),
        ((("credentialType", "Immunization"), ("_since", "2025-10")), ["Immunization"]),
    ],
)
async def test_what_is_asked_for_is_on_the_cards(
    sharing: Sharing, parameters: tuple[tuple[str, str], ...], types: list[str]
) -> None:
    cards = await read(sharing, await issue(sharing, *parameters))
    assert [one["resourceType"] for card in cards for one in card[1:]] == types


async def test_only_claims_that_are_asked_for_are_on_a_card(sharing: Sharing) -> None:
    claim = ("includeIdentityClaim", "Patient.birthDate")
    answer = await issue(sharing, ("credentialType", "Immunization"), claim)
    ((person, _),) = await read(sharing, answer)
    assert set(person) == {"resourceType", "birthDate"}


async def test_what_one_code_cannot_hold_goes_on_the_next_card(sharing: Sharing) -> None:
    for n in range(60):
        code = {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": f"{n * 7919}"}]}
        lot = f"{n * 104729:x}"
        await sharing.house.put(
            {**VACCINE, "id": f"more-{n}", "vaccineCode": code, "lotNumber": lot}
        )
    answer = await issue(sharing, ("credentialType", "Immunization"))
    cards = await read(sharing, answer)
    assert len(cards) > 1
    assert sum(len(card) - 1 for card in cards) == 61
    sizes = [len(o["valueString"]) for o in answer.json()["parameter"] if "valueString" in o]
    assert max(sizes) <= MOST_OF_A_CODE


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ((), 400),
        ((("credentialType", "Medication"),), 501),
        ((("credentialType", "Immunization"), ("credentialValueSet", "http://x")), 501),
        ((("credentialType", "Immunization"), ("includeIdentityClaim", "Patient.photo")), 400),
        ((("credentialType", "Immunization"), ("_since", "yesterday")), 400),
        ((("credentialType", "Immunization"), ("nonsense", "1")), 400),
    ],
)
async def test_what_cannot_be_issued_is_told(
    sharing: Sharing, parameters: tuple[tuple[str, str], ...], status: int
) -> None:
    answer = await issue(sharing, *parameters)
    assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome")


async def test_nobody_is_issued_a_card_of_another(sharing: Sharing) -> None:
    asked = "Patient/p/$health-cards-issue?credentialType=Immunization"
    assert (await sharing.house.client_of(OTHER).get(asked)).status_code == 404
    assert (await sharing.house.client_of(PATIENT).get(asked)).status_code == 200
