"""What resources are found by: rows of the generated extractors, and how parameters share them."""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf
from typing import Any

import pytest

from careplane.fhir.definitions import RESOURCE_TYPES, search_parameters
from careplane.fhir.moment import interval
from careplane.fhir.structs import decoder
from careplane.search.compile.emitting import EMITTERS
from careplane.search.criterion import Criterion, Setting
from careplane.search.extract import extract, extract_bytes, extractor
from careplane.search.kinds import node
from careplane.search.match import NoWorld, Subject, matches
from careplane.search.registry import r4_registry
from careplane.search.rows import BEGINNING, END, Rows
from tools.generate.extractors import EXTRACTORS, extractor_modules

CODE = {"text": "Weight", "coding": [{"system": "s", "code": "w", "display": "Body  Weight"}]}
UCUM = "http://unitsofmeasure.org"
OBSERVATION: dict[str, Any] = {
    "id": "o",
    "meta": {"profile": ["http://p|1"], "tag": [{"system": "t", "code": "x"}], "source": "urn:s"},
    "status": "final",
    "code": {**CODE, "coding": CODE["coding"] * 2},  # type: ignore[operator]
    "subject": {"reference": "Patient/p/_history/3", "display": "Ana R."},
    "encounter": {"reference": "#inside"},
    "device": {"identifier": {"system": "i", "value": "7"}},
    "performer": [{"reference": "http://else/fhir/Practitioner/1"}, {"reference": "urn:uuid:1"}],
    "effectiveDateTime": "2020-02",
    "valueQuantity": {"value": 5, "comparator": "<", "unit": "kilo", "system": UCUM, "code": "kg"},
    "component": [
        {"code": {"coding": [{"code": "c"}]}, "valueQuantity": {"value": 1.50}},
        {"code": {"text": "no codes"}, "valueString": "x"},
    ],
}
TYPE = {"text": "MR", "coding": [{"system": "v2", "code": "MR"}]}
PATIENT: dict[str, Any] = {
    "identifier": [
        {"system": "mrn", "value": "1", "type": TYPE},
        {"system": "only"},
    ],
    "active": True,
    "deceasedBoolean": False,
    "birthDate": "1970-01-01",
    "telecom": [{"system": "phone", "value": "555"}, {"system": "email", "value": "a@b"}],
    "name": [{"family": "Ríos", "given": [None, "Ana"], "_given": [{"id": "x"}, None]}],
    "address": [{"line": ["1 Main St."], "city": "Ávila"}],
}  # fmt: skip


def rows(type_name: str, content: dict[str, Any]) -> Rows:
    return extract_bytes(type_name, json.dumps({"resourceType": type_name, **content}).encode())


def of(found: list[Any], param: str) -> list[Any]:
    return [row[1:] for row in found if row.param == param]


def test_codes_and_their_texts() -> None:
    found = rows("Observation", OBSERVATION)
    assert of(found.tokens, "Observation.code") == [("s", "w")]
    assert of(found.strings, "Observation.code:text") == [
        ("body weight", "Body  Weight"),
        ("weight", "Weight"),
    ]
    assert of(found.tokens, "Observation.status") == [(None, "final")]
    assert of(found.tokens, "Resource._tag") == [("t", "x")]
    assert of(found.uris, "Resource._profile") == [("http://p|1",)]
    assert of(found.uris, "Resource._source") == [("urn:s",)]


def test_references() -> None:
    found = rows("Observation", OBSERVATION)
    assert of(found.references, "Observation.subject") == [("Patient", "p")]
    assert of(found.strings, "Observation.subject:text") == [("ana r", "Ana R.")]
    assert of(found.tokens, "Observation.device:identifier") == [("i", "7")]
    assert of(found.uris, "Observation.performer") == [
        ("http://else/fhir/Practitioner/1",),
        ("urn:uuid:1",),
    ]
    assert not of(found.references, "Observation.encounter")
    assert not of(found.uris, "Observation.encounter")


def test_dates_and_quantities() -> None:
    found = rows("Observation", OBSERVATION)
    assert of(found.dates, "Observation.date") == [interval("2020-02")]
    assert of(found.quantities, "Observation.value-quantity") == [
        (-inf, 5.0, UCUM, "kg", (-inf, 5000.0, "g"))
    ]
    assert of(found.quantities, "Observation.component-value-quantity") == [
        (1.5, 1.5, None, None, None)
    ]


def test_groups_are_whole_or_not_there() -> None:
    found = rows("Observation", OBSERVATION)
    groups = [(row.param, row.parts) for row in found.composites]
    assert [param for param, _ in groups] == [
        "Observation.code-value-quantity",
        "Observation.component-code-value-quantity",
    ]
    assert of(groups[0][1].tokens, "Observation.code-value-quantity#0") == [("s", "w")]
    assert len(of(groups[0][1].quantities, "Observation.code-value-quantity#1")) == 1
    assert groups[0][1].strings == []


def test_persons() -> None:
    found = rows("Patient", PATIENT)
    assert of(found.tokens, "Patient.identifier") == [("mrn", "1"), ("only", "")]
    assert of(found.tokens, "Patient.identifier:of-type") == [("v2", "MR|1")]
    assert of(found.strings, "Patient.identifier:text") == [("mr", "MR")]
    assert of(found.tokens, "Patient.phone") == [(None, "555")]
    assert of(found.tokens, "Patient.email") == [(None, "a@b")]
    assert of(found.tokens, "Patient.active") == [(None, "true")]
    assert of(found.tokens, "Patient.deceased") == [(None, "false")]
    assert of(found.strings, "Patient.name") == [("rios", "Ríos"), ("ana", "Ana")]
    assert of(found.strings, "Patient.given") == [("ana", "Ana")]
    assert of(found.strings, "Patient.address-city") == [("avila", "Ávila")]
    assert ("1 main st", "1 Main St.") in of(found.strings, "Patient.address")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"effectivePeriod": {"start": "2020"}}, [(interval("2020")[0], END)]),
        ({"effectivePeriod": {"end": "2020"}}, [(BEGINNING, interval("2020")[1])]),
        ({"effectivePeriod": {"id": "x"}}, []),
        ({"effectiveInstant": "2020-01-01T00:00:00.5Z"}, [interval("2020-01-01T00:00:00.5Z")]),
        (
            {"effectiveTiming": {"event": ["2021", "2019-05-05"]}},
            [(interval("2019-05-05")[0], interval("2021")[1])],
        ),
        (
            {"effectiveTiming": {"repeat": {"boundsPeriod": {"start": "2020"}}}},
            [(interval("2020")[0], END)],
        ),
        ({"effectiveTiming": {"repeat": {"count": 3}}}, []),
    ],
)
def test_times(content: dict[str, Any], expected: list[Any]) -> None:
    found = rows("Observation", {"status": "final", "code": CODE, **content})
    assert of(found.dates, "Observation.date") == expected


SAMPLES = {"origin": {"value": 10, "unit": "mV"}, "period": 1, "dimensions": 1, "factor": 2}


@pytest.mark.parametrize(
    ("type_name", "param", "content", "expected"),
    [
        (
            "Observation",
            "value-quantity",
            {"status": "final", "code": CODE, "valueSampledData": {**SAMPLES, "data": "E -1 3 U"}},
            [(8.0, 16.0, None, "mV", None)],
        ),
        (
            "Invoice",
            "totalnet",
            {"status": "issued", "totalNet": {"value": 12.5, "currency": "EUR"}},
            [(12.5, 12.5, "urn:iso:std:iso:4217", "EUR", None)],
        ),
        (
            "Condition",
            "onset-age",
            {"subject": {}, "onsetRange": {"low": {"value": 1, "unit": "a"}}},
            [(1.0, inf, None, "a", None)],
        ),
    ],
)
def test_quantities(
    type_name: str, param: str, content: dict[str, Any], expected: list[Any]
) -> None:
    assert of(rows(type_name, content).quantities, f"{type_name}.{param}") == expected


def test_a_bundle_refers_to_its_first_resource() -> None:
    inner = {"resourceType": "Composition", "id": "c", "anything": 1}
    found = rows("Bundle", {"type": "document", "entry": [{"resource": inner}]})
    assert of(found.references, "Bundle.composition") == [("Composition", "c")]
    assert not of(found.references, "Bundle.message")


def test_extensions_stand_for_their_values() -> None:
    url = "http://hl7.org/fhir/StructureDefinition/observation-geneticsDnaVariant"
    extension = [{"url": url, "valueString": "c.1A>G"}, {"url": "other", "valueString": "no"}]
    found = rows("Observation", {"status": "final", "code": CODE, "extension": extension})
    assert of(found.strings, "Observation.dna-variant") == [("c 1a>g", "c.1A>G")]


@pytest.mark.parametrize(
    ("code", "modifier", "value", "expected"),
    [
        ("combo-code", "", "c", True),
        ("combo-code", "", "w", True),
        ("combo-code", "", "z", False),
        ("combo-code", "not", "c", False),
        ("combo-code", "not", "z", True),
        ("combo-code", "missing", "true", False),
        ("combo-value-concept", "missing", "true", True),
        ("combo-code-value-quantity", "", "c$1.50", True),
        ("combo-code-value-quantity", "", "c$9", False),
        ("status", "", "http://hl7.org/fhir/observation-status|final", True),
        ("status", "", "http://hl7.org/fhir/observation-status|amended", False),
        ("status", "", "http://elsewhere|final", False),
        ("status", "not", "http://hl7.org/fhir/observation-status|final", False),
        ("code", "", "s|w", True),
        ("code", "", "|w", False),
        ("patient", "", "p", True),
        ("patient", "", "Patient/p", True),
        ("patient", "", "q", False),
    ],
)
def test_parameters_without_rows_are_found_by_those_of_others(
    code: str, modifier: str, value: str, expected: bool
) -> None:
    subject = Subject("Observation", "o", 0, rows("Observation", OBSERVATION))
    registry = r4_registry()
    parameter = registry.lookup("Observation", code)
    assert parameter is not None
    asked = node(Criterion(parameter, modifier, (value,), code, Setting(registry)))
    assert matches(asked, subject, NoWorld()) is expected


PARIS = {"latitude": 48.8566, "longitude": 2.3522}
SUVA = {"latitude": -18.14, "longitude": 179.9}


@pytest.mark.parametrize(
    ("position", "modifier", "value", "expected"),
    [
        (PARIS, "", "48.85|2.35|1|km", True),
        (PARIS, "", "48.85|2.35|900|m", True),
        (PARIS, "", "48.85|2.35|300|m", False),
        (PARIS, "", "51.5074|-0.1278|350|km", True),
        (PARIS, "", "51.5074|-0.1278|150|[mi_us]", False),
        (PARIS, "", "48.5|2.0", True),
        (PARIS, "", "51.5074|-0.1278", False),
        (PARIS, "", "89|0|6000|km", True),
        (SUVA, "", "-18|-179.9|60|km", True),
        (SUVA, "", "-18|-179.9|5|km", False),
        (SUVA, "missing", "true", False),
        (None, "missing", "true", True),
        (None, "", "0|0|20000|km", False),
    ],
)
def test_places(position: Any, modifier: str, value: str, expected: bool) -> None:
    found = rows("Location", {"position": position} if position else {})
    registry = r4_registry()
    parameter = registry.lookup("Location", "near")
    assert parameter is not None
    asked = node(Criterion(parameter, modifier, (value,), "near", Setting(registry)))
    assert matches(asked, Subject("Location", "l", 0, found), NoWorld()) is expected


def test_parameters_that_come_at_run_time() -> None:
    given = next(p for p in search_parameters() if p.id == "Observation-status")
    mine = replace(given, id="mine", code="mine", expression="Observation.note.text", type="string")
    run = extractor("Observation", (mine,))
    content = {"status": "final", "code": CODE, "note": [{"text": "Hi!"}]}
    whole = json.dumps({"resourceType": "Observation", **content})
    found = run(decoder("Observation").decode(whole))
    assert found == Rows(strings=found.strings)
    assert of(found.strings, "Observation.mine") == [("hi", "Hi!")]


def test_generated_extractors_are_fresh() -> None:
    present = {f.name: f.read_text(encoding="utf-8") for f in EXTRACTORS.glob("*.py")}
    expected = extractor_modules()
    assert sorted(present) == sorted(expected)
    stale = [name for name, text in expected.items() if present[name] != text]
    assert not stale, "run `make generate`"


def test_every_type_has_an_extractor() -> None:
    for name in RESOURCE_TYPES:
        assert (EXTRACTORS / f"{name.lower()}.py").is_file()
    assert extract(
        decoder("Basic").decode(b'{"resourceType":"Basic","code":{"text":"x"}}')
    ) == rows("Basic", {"code": {"text": "x"}})
    assert set(EMITTERS) >= {p.type for p in search_parameters()} - {"composite", "special"}
