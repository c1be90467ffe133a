"""Cards: what is left out of them, how they are signed, packed and published; keys by year."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from careplane.sharing.cards.card import numeric, signed
from careplane.sharing.cards.content import collection
from careplane.sharing.cards.keys import IssuerKeys
from careplane.storage.ports.records import Tenant
from tests.sharing_house import AROUND, RECORD, coded

ONE, TWO = Tenant(1), Tenant(2)
NOW = 1_795_000_000_000_000
YEAR = 366 * 86_400_000_000
KEYS = IssuerKeys(b"r" * 32)
PERSON = next(one for one in AROUND if one["id"] == "p")
VACCINE = next(one for one in RECORD if one["resourceType"] == "Immunization")
RESULT = next(one for one in RECORD if one["id"] == "l")


def verified(card: str, published: Any) -> Any:
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    found = jws.deserialize_compact(card, KeySet.import_key_set(published), registry=registry)
    return json.loads(zlib.decompress(found.payload, -15))


def made(now: int = NOW, tenant: Tenant = ONE, keys: IssuerKeys = KEYS) -> str:
    bundle = collection(PERSON, [VACCINE], {}, ("name",))
    return signed(bundle, "https://hospital.test", now, ("x",), keys.now(tenant, now))


def test_a_card_holds_as_little_as_proves_it() -> None:
    performers = {"Practitioner/d": "Okafor"}
    bundle = collection(PERSON, [VACCINE, RESULT], performers, ("birthDate",))
    assert [entry["resource"] for entry in bundle["entry"]] == [
        {"resourceType": "Patient", "birthDate": "1980-02-29"},
        {
            "resourceType": "Immunization",
            "status": "completed",
            "vaccineCode": {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": "88"}]},
            "occurrenceDateTime": "2025-10-02",
            "lotNumber": "L7",
            "patient": {"reference": "resource:0"},
            "performer": [{"actor": {"display": "Okafor"}}],
        },
        {
            "resourceType": "Observation",
            "status": "final",
            "category": RESULT["category"],
            "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]},
            "effectiveDateTime": "2026-01-05",
            "valueQuantity": {"value": 6.1, "unit": "%"},
            "subject": {"reference": "resource:0"},
            "performer": [{"display": "Okafor"}],
        },
    ]


def test_what_has_no_code_keeps_its_text() -> None:
    plain = {**VACCINE, "vaccineCode": {"text": "Vaccine of 1990", "coding": [{"display": "V"}]}}
    (_, entry) = collection(PERSON, [plain], {}, ())["entry"]
    assert entry["resource"]["vaccineCode"]["text"] == "Vaccine of 1990"
    assert coded("x")["text"] == "x"


def test_a_card_is_verified_by_what_is_published() -> None:
    card = made()
    head = json.loads(base64.urlsafe_b64decode(card.partition(".")[0] + "=="))
    published = KEYS.published(ONE, NOW)
    assert head == {"alg": "ES256", "zip": "DEF", "kid": published["keys"][1]["kid"]}
    payload = verified(card, published)
    assert payload["iss"] == "https://hospital.test"
    assert payload["nbf"] == NOW // 1_000_000
    assert payload["vc"]["type"] == ["https://smarthealth.cards#health-card", "x"]
    assert set(published["keys"][0]) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


def test_a_card_is_verified_for_ten_years_and_no_key_is_of_two_years_or_institutions() -> None:
    card = made()
    assert verified(card, KEYS.published(ONE, NOW + 9 * YEAR))
    kids = [key["kid"] for key in KEYS.published(ONE, NOW + 5 * YEAR)["keys"]]
    assert len(set(kids)) == len(kids)
    for others in (
        KEYS.published(TWO, NOW),
        IssuerKeys(b"s" * 32).published(ONE, NOW),
        KEYS.published(ONE, NOW + 12 * YEAR),
    ):
        with pytest.raises((JoseError, ValueError)):
            verified(card, others)


def test_an_altered_card_is_none() -> None:
    head, payload, seal = made().split(".")
    other = made(NOW + 1_000_000).split(".")[1]
    for bad in (f"{head}.{other}.{seal}", f"{head}.{payload}.{seal[:-4]}AAAA"):
        with pytest.raises(JoseError):
            verified(bad, KEYS.published(ONE, NOW))


def test_two_digits_for_each_character() -> None:
    assert numeric("-") == "00"
    assert numeric("z_A") == "775020"
