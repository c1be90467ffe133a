"""Safe Harbor element by element, and the pseudonyms of a study."""

from __future__ import annotations

import re
from typing import Any

import pytest

from careplane.access.deidentify.areas import area
from careplane.access.deidentify.parameters import offered
from careplane.access.deidentify.pseudonyms import Pseudonyms
from careplane.access.deidentify.safe_harbor import PSEUDED, SafeHarbor
from careplane.access.masks.mask import SUBSETTED
from careplane.kernel.ids import new_id
from tests.fhir_house import REGISTRY

KEY = bytes(range(32))
STUDY = Pseudonyms(KEY, "asthma")
HARBOR = SafeHarbor(lambda type, id: f"{id}-of-{type}", 2026, "https://here/fhir")
CODED = {"coding": [{"system": "http://loinc.org", "code": "8302-2"}]}

ELEMENTS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("names", {"name": [{"family": "F"}]}, {}),
    ("telecom", {"telecom": [{"system": "phone", "value": "1"}]}, {}),
    ("identifiers", {"identifier": [{"system": "s", "value": "1"}]}, {}),
    ("photos", {"photo": [{"data": "AAAA"}]}, {}),
    ("narrative", {"text": {"status": "generated", "div": "<div/>"}}, {}),
    ("extensions", {"extension": [{"url": "u", "valueCode": "c"}]}, {}),
    ("extensions of primitives", {"_gender": {"extension": []}, "gender": "male"},
     {"gender": "male"}),
    ("contained", {"contained": [{"resourceType": "Patient", "id": "x"}]}, {}),
    ("language", {"language": "de"}, {}),
    ("codes and booleans", {"active": True, "gender": "male"}, {"active": True, "gender": "male"}),
    ("birth, by its year", {"birthDate": "1970-03-04"}, {"birthDate": "1970"}),
    ("birth of one who is 89", {"birthDate": "1937-12-31"}, {"birthDate": "1937"}),
    ("birth of one who may be 90", {"birthDate": "1936-12-31"}, {}),
    ("death, by its year", {"deceasedDateTime": "2020-03-04T01:02:03Z"},
     {"deceasedDateTime": "2020"}),
    ("addresses", {"address": [{"line": ["1 A St"], "city": "C", "district": "D", "text": "T",
                                "state": "NY", "postalCode": "14607", "country": "US"}]},
     {"address": [{"country": "US", "state": "NY", "postalCode": "146"}]}),
    ("references", {"managingOrganization": {"reference": "Organization/7", "display": "Clinic"}},
     {"managingOrganization": {"reference": "Organization/7-of-Organization"}}),
    ("references to here",
     {"managingOrganization": {"reference": "https://here/fhir/Organization/7"}},
     {"managingOrganization": {"reference": "Organization/7-of-Organization"}}),
    ("references elsewhere",
     {"managingOrganization": {"reference": "https://x/Organization/7"}}, {}),
    ("references by identifier", {"managingOrganization": {"identifier": {"value": "7"}}}, {}),
    ("references inside", {"managingOrganization": {"reference": "#o"}}, {}),
    ("parts", {"contact": [{"name": {"family": "F"}, "gender": "female"}, {"id": "x"}]},
     {"contact": [{"gender": "female"}]}),
    ("parts with a modifier", {"contact": [{"gender": "female", "modifierExtension": []}]}, {}),
    ("labels", {"meta": {"security": [{"system": "s", "code": "R", "display": "d"}],
                         "tag": [{"code": "t"}], "source": "u", "profile": ["p"]}},
     {"meta": {"security": [{"system": "s", "code": "R"}, PSEUDED], "tag": [SUBSETTED]}}),
    ("all, under a modifier", {"modifierExtension": [], "gender": "male"}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "left"), ELEMENTS)
def test_an_element(name: str, given: dict[str, Any], left: dict[str, Any]) -> None:
    labels = {"meta": {"security": [PSEUDED], "tag": [SUBSETTED]}}
    found = HARBOR.resource({"resourceType": "Patient", "id": "p", **given})
    assert found == {"resourceType": "Patient", **labels, **left}


def years(value: int, code: str = "a") -> dict[str, Any]:
    return {"value": value, "unit": "years", "system": "http://unitsofmeasure.org", "code": code}


def coded(value: int, code: str = "a", **more: Any) -> dict[str, Any]:
    return {"value": value, "system": "http://unitsofmeasure.org", "code": code, **more}


OBSERVED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"code": {**CODED, "text": "Height of Mr F"}}, {"code": CODED}),
    ({"code": {"coding": [{"code": "x", "display": "of Mr F"}]}},
     {"code": {"coding": [{"code": "x"}]}}),
    ({"effectiveDateTime": "2020-03-04"}, {"effectiveDateTime": "2020"}),
    ({"effectivePeriod": {"start": "2020-03-04", "end": "2021-01-02"}},
     {"effectivePeriod": {"start": "2020", "end": "2021"}}),
    ({"effectiveInstant": "2020-03-04T00:00:00Z", "issued": "2020-03-04T00:00:00Z"}, {}),
    ({"valueString": "Mr F", "note": [{"text": "x"}], "valueTime": "12:00:00"}, {}),
    ({"valueQuantity": {"value": 180, "unit": "cm of Mr F", "code": "cm", "system": "u"}},
     {"valueQuantity": {"value": 180, "code": "cm", "system": "u"}}),
    ({"valueQuantity": years(89)}, {"valueQuantity": coded(89)}),
    ({"valueQuantity": years(97)}, {"valueQuantity": coded(90, comparator=">=")}),
    ({"valueQuantity": years(1190, "mo")}, {"valueQuantity": coded(1080, "mo", comparator=">=")}),
    ({"valueQuantity": {"value": 97, "unit": "Years"}},
     {"valueQuantity": {"value": 90, "comparator": ">="}}),
    ({"valueRange": {"low": years(91), "high": years(99)}},
     {"valueRange": {"low": coded(90, comparator=">="), "high": coded(90, comparator=">=")}}),
    ({"code": {"coding": [{"code": "30525-0"}]}, "valueInteger": 97},
     {"code": {"coding": [{"code": "30525-0"}]}}),
    ({"valueSampledData": {"origin": {"value": 1}, "data": "1 2"}}, {}),
    ({"component": [{"code": CODED, "valueInteger": 3}]},
     {"component": [{"code": CODED, "valueInteger": 3}]}),
    ({"device": {"reference": "Device/d"}}, {"device": {"reference": "Device/d-of-Device"}}),
]  # fmt: skip


@pytest.mark.parametrize(("given", "left"), OBSERVED)
def test_what_was_observed(given: dict[str, Any], left: dict[str, Any]) -> None:
    found = HARBOR.resource({"resourceType": "Observation", "id": "o", **given})
    assert {name: value for name, value in found.items() if name not in ("resourceType", "meta")} \
        == left  # fmt: skip


AREAS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"postalCode": "03601", "state": "NH"}, {"state": "NH", "postalCode": "000"}),
    ({"postalCode": "14607-1234"}, {"postalCode": "146"}),
    ({"postalCode": "SW1A 1AA", "country": "GB"}, {"country": "GB"}),
    ({"postalCode": "69117", "state": "BW", "country": "DE"}, {"country": "DE"}),
    ({"state": "next to Mr F", "country": "Mr F's house"}, {}),
    ({"state": "new york"}, {"state": "new york"}),
    ({"postalCode": "1460"}, {}),
    ({"period": {"start": "2020-01-01"}, "use": "home"}, {}),
]


@pytest.mark.parametrize(("address", "left"), AREAS)
def test_an_area(address: dict[str, Any], left: dict[str, Any]) -> None:
    assert area(address) == left


IDS = ["1", "a-b.C", "x" * 41, new_id(), "A", "AA", "AAA", "........"]


@pytest.mark.parametrize("id", IDS, ids=[f"id-{n}" for n in range(len(IDS))])
def test_a_pseudonym_leads_back_with_the_key_alone(id: str) -> None:
    pseudonym = STUDY.of("Patient", id)
    assert re.fullmatch(r"[A-Za-z0-9\-.]{64}", pseudonym)
    assert STUDY.resolve("Patient", pseudonym) == id
    assert Pseudonyms(KEY, "asthma").of("Patient", id) == pseudonym
    assert STUDY.resolve("Observation", pseudonym) is None
    assert Pseudonyms(KEY, "other").resolve("Patient", pseudonym) is None
    assert Pseudonyms(KEY, "other").of("Patient", id) != pseudonym
    assert Pseudonyms(bytes(32), "asthma").resolve("Patient", pseudonym) is None
    other = "B" if pseudonym[0] == "A" else "A"
    assert STUDY.resolve("Patient", other + pseudonym[1:]) is None


def test_a_long_id_has_a_pseudonym_that_does_not_lead_back() -> None:
    pseudonym = STUDY.of("Patient", "x" * 64)
    assert len(pseudonym) == 64
    assert pseudonym == STUDY.of("Patient", "x" * 64) != STUDY.of("Patient", "x" * 63 + "y")
    assert STUDY.resolve("Patient", pseudonym) is None


@pytest.mark.parametrize("text", ["1", "", "a" * 64, "é" * 64, "a" * 63 + "/"])
def test_what_is_no_pseudonym_leads_nowhere(text: str) -> None:
    assert STUDY.resolve("Patient", text) is None


OFFERED = {
    "Patient": ("active gender language organization link general-practitioner _security",
                "name family identifier birthdate death-date deceased telecom address address-state"
                " phonetic _tag _profile _source _lastUpdated"),
    "Observation": ("code status category patient subject performer encounter combo-code method",
                    "date value-quantity value-concept value-string identifier"
                    " code-value-quantity"),
    "Condition": ("code clinical-status severity subject", "onset-date recorded-date onset-info"),
    "MedicationRequest": ("code status medication patient", "authoredon identifier"),
}  # fmt: skip


@pytest.mark.parametrize("type", OFFERED)
def test_only_what_is_shown_unchanged_can_be_asked_for(type: str) -> None:
    for codes, answer in zip(OFFERED[type], (True, False), strict=True):
        for code in codes.split():
            parameter = REGISTRY.lookup(type, code)
            assert parameter, code
            assert offered(type, parameter) == answer, code
