"""Search parameters from outside: what is taken, what is refused and why, the rows they make."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from careplane.fhir.structs import decoder
from careplane.kernel.errors import Invalid
from careplane.search.custom import customs, extracting, extracting_alone, registered
from careplane.search.registry import NotReady, r4_registry

REGISTRY = r4_registry()


def read(type: str, tree: dict[str, Any]) -> Any:
    return decoder(type).decode(json.dumps({"resourceType": type, **tree}).encode())


def defining(expression: str, type: str = "token", base: str = "Observation", **more: Any) -> Any:
    tree = {
        "url": "http://example.org/p",
        "name": "p",
        "status": "active",
        "description": "p",
        "code": "mine",
        "base": base.split(),
        "type": type,
        "expression": expression,
        **more,
    }
    return read("SearchParameter", tree)


OBSERVATION = {
    "status": "final",
    "code": {"coding": [{"system": "urn:s", "code": "c"}], "text": "Text"},
    "method": {"coding": [{"system": "urn:s", "code": "m", "display": "How"}]},
    "subject": {"reference": "Patient/1"},
    "issued": "2024-01-01T00:00:00Z",
    "component": [
        {
            "code": {"coding": [{"system": "urn:s", "code": "1"}]},
            "valueQuantity": {"value": 3, "unit": "mg"},
        },
        {"code": {"coding": [{"system": "urn:s", "code": "2"}]}, "valueInteger": 7},
    ],
    "extension": [
        {"url": "urn:e", "valueString": "One"},
        {"url": "urn:e", "valueCode": "two"},
        {"url": "urn:f", "valueUri": "urn:x"},
    ],
}


@pytest.mark.parametrize(
    ("expression", "type", "rows"),
    [
        ("Observation.method", "token", ["m", "How"]),
        ("method", "token", ["m", "How"]),
        ("Observation.method.coding.display", "string", ["How"]),
        ("Observation.subject", "reference", ["1"]),
        ("Observation.subject.where(resolve() is Group)", "reference", []),
        ("Observation.issued", "date", [1704067200000000]),
        ("Observation.extension('urn:e')", "string", ["One", "two"]),
        ("Observation.extension('urn:e').value.as(code)", "token", ["two"]),
        ("Observation.extension.where(url = 'urn:f').value.as(uri)", "uri", ["urn:x"]),
        ("Observation.component.value.as(Quantity)", "quantity", [3.0]),
        ("Observation.component.value.as(integer)", "number", [7.0]),
        (
            "Observation.component.where(code.coding.where(code = '1').exists()).value",
            "quantity",
            [3.0],
        ),
        ("Observation.method | Observation.code", "token", ["m", "c", "How", "Text"]),
        ("Observation.method.exists()", "token", ["true"]),
        ("Observation.status.where($this = 'amended')", "token", []),
        ('Observation.method or \'"""\\\\nimport os\' = status', "token", ["true"]),
    ],
)
def test_a_parameter_makes_these_rows(expression: str, type: str, rows: list[Any]) -> None:
    found = customs(defining(expression, type), REGISTRY)
    made = extracting_alone(found)(read("Observation", OBSERVATION))
    values = [
        *(row.code for row in made.tokens),
        *(row.text for row in made.strings),
        *(row.id for row in made.references),
        *(row.value for row in made.uris),
        *(row.low for row in (*made.dates, *made.numbers, *made.quantities)),
    ]
    assert values == rows
    kinds = [kind for name in made.__struct_fields__ for kind in getattr(made, name)]
    assert all(row.param.startswith(found[0].param) for row in kinds)


@pytest.mark.parametrize(
    ("expression", "type", "said"),
    [
        ("Observation.nothing", "token", "no element nothing"),
        ("Patient.name", "string", "Patient cannot be where Observation stands"),
        ("Observation.method.(", "token", "FHIRPath, line 1"),
        ("Observation.method", "date", "none of the values"),
        ("Observation.subject", "quantity", "none of the values"),
        ("Observation.repeat(component)", "token", "repeat()"),
        ("Observation.method | Person.name", "token", "Person cannot be where"),
        ("Observation.descendants()", "token", "descendants()"),
        ("Observation.component.where(%resource.id = '1').code", "token", "%resource"),
        ("Observation.component.where(%context.id = '1').code", "token", "%context"),
        ("Observation.code.intersect(Observation.method)", "token", "intersect()"),
        ("Observation.status.where(matches('('))", "token", "matches()"),
        ("Observation.component.where(code.coding.code = '1').value", "quantity", "many values"),
        ("Observation.contained", "token", "none of the values"),
        ("Observation.method" + " | Observation.method" * 200, "token", "2000 characters"),
        ("select($this|$this)" + ".select($this|$this)" * 40 + ".status", "token", "too large"),
        ("(" * 300 + "method" + ")" * 300, "token", "nested too deeply"),
        ("{}", "token", "finds nothing"),
    ],
)
def test_an_expression_is_refused_soon_and_with_a_reason(
    expression: str, type: str, said: str
) -> None:
    began = time.monotonic()
    with pytest.raises(Invalid) as refused:
        customs(defining(expression, type), REGISTRY)
    assert time.monotonic() - began < 2
    (issue,) = refused.value.issues
    assert issue.where == "SearchParameter.expression"
    assert said in issue.text


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"type": "composite"}, "type"),
        ({"type": "special"}, "type"),
        ({"code": "status"}, "base[0]"),
        ({"code": "_mine"}, "code"),
        ({"code": "a:b"}, "code"),
        ({"code": "x" * 65}, "code"),
        ({"base": "Patient Resource"}, "base[1]"),
        ({"base": "DomainResource"}, "base[0]"),
        ({"expression": None}, "expression"),
        ({"xpathUsage": "phonetic"}, "xpathUsage"),
        ({"component": [{"definition": "urn:x", "expression": "code"}]}, "component"),
    ],
)
def test_a_definition_is_refused_with_its_place(change: dict[str, Any], where: str) -> None:
    change = {**change}
    given = {"expression": "method", **change}
    if where == "base[1]":
        given["expression"] = "id"
    with pytest.raises(Invalid) as refused:
        customs(defining(**given), REGISTRY)
    assert [issue.where for issue in refused.value.issues] == [f"SearchParameter.{where}"]


def test_what_is_not_active_or_of_r4_defines_nothing() -> None:
    assert customs(defining("Observation.nothing", status="draft"), REGISTRY) == ()
    url = "http://hl7.org/fhir/SearchParameter/Observation-method"
    own = defining("Observation.method", code="method", url=url)
    assert customs(own, REGISTRY) == ()
    with pytest.raises(Invalid):
        customs(defining("Observation.code", code="method", url=url), REGISTRY)
    derived = defining("Observation.method", code="method", derivedFrom=url)
    assert customs(derived, REGISTRY) == ()
    some = defining("Condition.code|Procedure.code", base="Condition Procedure", code="code")
    assert customs(some, REGISTRY) == ()


def test_a_parameter_of_a_guide_on_an_extension_of_an_extension() -> None:
    url = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"
    race = f"Patient.extension.where(url = '{url}').extension.value.code"
    found = customs(defining(race, base="Patient", code="race"), REGISTRY)
    inner = {"url": "ombCategory", "valueCoding": {"system": "urn:s", "code": "2106-3"}}
    resource = read("Patient", {"extension": [{"url": url, "extension": [inner]}]})
    assert [row.code for row in extracting_alone(found)(resource).tokens] == ["2106-3"]


def test_one_definition_serves_several_bases() -> None:
    found = customs(defining("id", base="Patient Group Patient"), REGISTRY)
    assert [custom.base for custom in found] == ["Patient", "Group"]
    named = customs(
        defining("Patient.name.suffix | Person.name.suffix", "string", "Patient Person"), REGISTRY
    )
    person = read("Person", {"name": [{"suffix": ["Jr"]}]})
    assert [row.text for row in extracting_alone(named)(person).strings] == ["Jr"]


def test_rows_stand_beside_those_of_r4_and_change_their_name_with_their_meaning() -> None:
    (first,) = customs(defining("Observation.method"), REGISTRY)
    (second,) = customs(defining("Observation.bodySite"), REGISTRY)
    (mended,) = customs(defining("Observation.method", description="else"), REGISTRY)
    assert first == mended
    assert first.param != second.param
    resource = read("Observation", OBSERVATION)
    alone, both = extracting(())(resource), extracting((first,))(resource)
    mine = [row for row in both.tokens if row.param == first.param]
    assert [row.code for row in mine] == ["m"]
    assert [row for row in both.tokens if row not in mine] == alone.tokens
    assert extracting((first,))(read("Patient", {})) == extracting(())(read("Patient", {}))


def test_the_registry_offers_what_is_ready_and_says_why_not() -> None:
    (mine,) = customs(defining("Observation.subject", "reference", target=["Patient"]), REGISTRY)
    waiting = {mine.param: "not yet"}
    registry = registered(REGISTRY, [mine], waiting.get)
    with pytest.raises(NotReady, match="not yet"):
        registry.lookup("Observation", "mine")
    assert registry.lookup("Patient", "mine") is None
    assert "mine" not in [p.code for p in registry.of("Observation")]
    assert [(p.code, why) for p, why in registry.waiting("Observation")] == [("mine", "not yet")]
    waiting.clear()
    found = registry.lookup("Observation", "mine")
    assert found is not None
    assert (found.param, found.targets) == (mine.param, frozenset({"Patient"}))
    assert found.definition.url == "http://example.org/p"
    assert found in registry.references("Observation")
    assert REGISTRY.lookup("Observation", "mine") is None
