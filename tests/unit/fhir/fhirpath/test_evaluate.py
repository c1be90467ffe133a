"""Evaluation by tables, and what an environment gives: time, references, terminology, a budget."""

from __future__ import annotations

import copy
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from careplane.fhir.fhirpath import Environment, Node, errors, evaluate, evaluate_boolean, root_node
from careplane.fhir.fhirpath.items import Collection, Item, system
from careplane.fhir.tree import Tree

CASES = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text("utf-8"))
FLAT = [case for chapter in CASES.values() for case in chapter]

PATIENT: Tree = {
    "resourceType": "Patient",
    "id": "p",
    "contained": [{"resourceType": "Organization", "id": "o"}],
    "extension": [
        {
            "url": "dose",
            "valueQuantity": {
                "value": Decimal("1.50"),
                "unit": "milligram",
                "system": "http://unitsofmeasure.org",
                "code": "mg",
            },
        }
    ],
    "modifierExtension": [{"url": "m", "valueBoolean": True}],
    "name": [
        {"use": "official", "given": ["Peter", "James"]},
        {"use": "usual", "given": ["Jim"]},
    ],
    "gender": "male",
    "birthDate": "1974-12-25",
    "_birthDate": {
        "extension": [{"url": "time", "valueDateTime": "1974-12-25T14:35:45-05:00"}],
    },
    "contact": [{"gender": "female"}],
    "managingOrganization": {"reference": "#o"},
    "generalPractitioner": [{"reference": "Practitioner/far"}, {"reference": "Practitioner/lost"}],
}
FAR: dict[str, Tree] = {"Practitioner/far": {"resourceType": "Practitioner", "id": "far"}}
ENVIRONMENT = Environment(now=1_795_527_267_123_456, resolver=FAR.get, variables={"mine": [42]})


def plain(item: Item) -> Any:
    """A value as YAML has it."""
    value = system(item)
    return str(value) if isinstance(value, Decimal) else value


@pytest.mark.parametrize("case", FLAT, ids=lambda case: case["expression"])
def test_table(case: dict[str, Any]) -> None:
    tree = copy.deepcopy(PATIENT)
    if "error" in case:
        with pytest.raises(getattr(errors, case["error"])):
            evaluate(case["expression"], tree, ENVIRONMENT)
    else:
        found = [plain(item) for item in evaluate(case["expression"], tree, ENVIRONMENT)]
        assert found == case["is"]
        assert list(map(type, found)) == list(map(type, case["is"]))
    assert tree == PATIENT


def test_elements_know_their_place() -> None:
    found = evaluate("name.given[1] | contained.id | birthDate.extension.value", PATIENT)
    assert [node.location for node in found if isinstance(node, Node)] == [
        "Patient.name[0].given[1]",
        "Patient.contained[0].id",
        "Patient.birthDate.extension[0].value",
    ]


def test_a_reference_is_found_in_the_bundle_around_it() -> None:
    patient = {"resourceType": "Patient", "generalPractitioner": [{"reference": "urn:uuid:1"}]}
    bundle: Tree = {
        "resourceType": "Bundle",
        "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Practitioner", "id": "one"}},
            {"resource": patient},
        ],
    }
    path = "entry.resource.generalPractitioner.resolve().id"
    assert [plain(item) for item in evaluate(path, bundle)] == ["one"]


def test_inside_a_contained_resource_the_root_is_the_container() -> None:
    inner = root_node(PATIENT).child("contained")[0]
    assert [plain(one) for one in evaluate("%resource.id | %rootResource.id", inner)] == ["o", "p"]


def test_trace_shows_and_returns() -> None:
    shown: list[tuple[str, Collection]] = []
    environment = Environment(trace=lambda name, items: shown.append((name, items)))
    assert len(evaluate("name.trace('n', use)", PATIENT, environment)) == 2
    assert [(name, [plain(one) for one in items]) for name, items in shown] == [
        ("n", ["official", "usual"])
    ]


class Females:
    """A terminology that knows one value set."""

    def member_of(self, coded: Node, value_set: str) -> bool | None:
        return coded.value == "female" if value_set == "females" else None

    def subsumes(self, ancestor: Node, coded: Node) -> bool | None:
        return ancestor.value == coded.value


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("gender.memberOf('females')", [False]),
        ("contact.gender.memberOf('females')", [True]),
        ("gender.memberOf('others')", []),
        ("gender.subsumes(contact.gender)", [False]),
        ("gender.subsumedBy(%context.gender)", [True]),
    ],
)
def test_terminology_is_asked(expression: str, expected: list[bool]) -> None:
    assert evaluate(expression, PATIENT, Environment(terminology=Females())) == expected


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ("name.exists()", True),
        ("name.empty()", False),
        ("name.first()", True),
        ("birthDate < @1974", True),
        ("birthDate > @1975", False),
        ("{}", True),
    ],
)
def test_an_invariant_is_broken_by_false_alone(expression: str, kept: bool) -> None:
    assert evaluate_boolean(expression, PATIENT) is kept


@pytest.mark.parametrize(
    "expression",
    [
        "(1 | 2 | 3)" + ".select($this.combine($this))" * 60,
        "'aaaaaaaaaa'" + ".select($this & $this)" * 100,
        "'aaaaaaaaaa'" + ".replace('', 'aaaaaaaaaaaaaaaaaaaa')" * 50,
        "'aaaaaaaaaa'" + ".replaceMatches('a', '$0$0$0$0')" * 50,
        "'a'" + ".encode('hex')" * 100,
        "(1).repeat($this + 1)",
        "(1).repeatAll($this)",
        "('a').repeat($this & 'a')",
    ],
    ids=lambda text: text[:40],
)
def test_a_hostile_expression_is_stopped(expression: str) -> None:
    started = time.perf_counter()
    with pytest.raises(errors.BudgetSpent):
        evaluate(expression, PATIENT, Environment(budget=100_000))
    assert time.perf_counter() - started < 5


def test_a_tree_of_wrong_shape_is_read_as_far_as_it_goes() -> None:
    tree: Tree = {
        "resourceType": "Patient",
        "name": "Peter",
        "active": {"a": 1},
        "birthDate": ["1974"],
        "contact": [1, None, {"gender": {"b": 2}}],
        "_gender": "no",
    }
    assert evaluate("name | active | contact.gender | gender", tree) == []
    assert evaluate("descendants().count()", tree) == [2]
