"""Molar masses: what a ConceptMap says, what it may not say, and how one lies over another."""

from __future__ import annotations

from typing import Any

import pytest

from careplane.fhir.analytes import TARGET, Masses, built_in, concept_map, masses_in
from careplane.fhir.codec import json
from careplane.fhir.validation import problems
from careplane.kernel.errors import Invalid
from careplane.search.criterion import Setting
from careplane.search.parse import parse
from careplane.search.plan import Or, Quantity
from careplane.search.registry import r4_registry

UCUM = "http://unitsofmeasure.org"
MOLE = 6.02214076e23


def saying(target: Any, **more: Any) -> dict[str, Any]:
    element = {"code": "a", "target": target}
    group = {"source": "s", "target": UCUM, "element": [element]}
    map = {"resourceType": "ConceptMap", "status": "active", "targetUri": TARGET, "group": [group]}
    return {**map, **more}


def test_the_built_in_map_is_a_valid_resource() -> None:
    assert not [i for i in problems(concept_map()) if i.severity == "error"]
    assert json.parse(json.dump(concept_map())) == concept_map()
    assert len(built_in().grams) == len(concept_map()["group"][0]["element"])


def test_what_a_mole_weighs() -> None:
    grams = built_in().grams["http://loinc.org", "2345-7"]
    assert grams is not None
    assert grams * MOLE == pytest.approx(180.156)


@pytest.mark.parametrize(
    ("map", "grams"),
    [
        (saying([{"code": "2.g/mol"}]), {("s", "a"): pytest.approx(2 / MOLE)}),
        (saying([{"code": "2.g/mol"}], targetUri=None, targetCanonical=TARGET), {("s", "a"): 0}),
        (saying([{"equivalence": "unmatched"}]), {("s", "a"): None}),
        (saying([{"code": "2.g/mol"}], status="draft"), {}),
        (saying([{"code": "mg/dL"}], targetUri="http://else"), {}),
        ({"resourceType": "ConceptMap", "status": "active", "targetUri": TARGET}, {}),
    ],
)
def test_a_map(map: dict[str, Any], grams: dict[Any, Any]) -> None:
    found = masses_in(map).grams
    assert found.keys() == grams.keys()
    assert all(grams[key] in (0, found[key]) for key in found)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ([{"code": "mg/dL"}], "not a mass a mole"),
        ([{"code": "180g"}], "Not a UCUM unit"),
        ([{"code": "10*30.g/mol"}], "not a mass a mole"),
        ([{"code": "Cel"}], "not a mass a mole"),
        ([{"display": "180 g/mol"}], "is a unit of"),
        ([], "is one target"),
        ([{"code": "1.g/mol"}, {"code": "2.g/mol"}], "is one target"),
    ],
)
def test_what_is_no_molar_mass(target: Any, says: str) -> None:
    with pytest.raises(Invalid) as caught:
        masses_in(saying(target))
    (issue,) = caught.value.issues
    assert says in issue.text
    assert issue.where == "ConceptMap.group[0].element[0]"


def test_a_map_has_bounds() -> None:
    element = [{"code": str(n), "target": [{"code": "2.g/mol"}]} for n in range(20_001)]
    group = [{"source": "s", "target": UCUM, "element": element}]
    with pytest.raises(Invalid, match="20000"):
        masses_in(saying([], group=group))


def test_one_map_lies_over_another() -> None:
    own = Masses({("s", "a"): 1.0, ("s", "b"): None})
    both = own.over(Masses({("s", "a"): 2.0, ("s", "b"): 2.0, ("s", "c"): 2.0}))
    assert both.grams == {("s", "a"): 1.0, ("s", "b"): None, ("s", "c"): 2.0}


def test_who_does_not_see_codes_learns_nothing_of_them() -> None:
    """An amount that is found only because of its code would tell the code."""
    pair = ("value-quantity", f"gt99|{UCUM}|mg/dL")
    registry = r4_registry()
    hidden = registry.without(lambda type, parameter: parameter.code == "code")
    whole, partly = (
        parse(Setting(one), ("Observation",), [pair]).query.where for one in (registry, hidden)
    )
    assert isinstance(whole, Or)
    assert isinstance(partly, Quantity)
