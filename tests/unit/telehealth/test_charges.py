"""What a visit is proposed to be charged as, as a table; and what is charged."""

from __future__ import annotations

from typing import Any

import pytest

from careplane.fhir.codec import json
from careplane.fhir.validation import check
from careplane.telehealth.visits.appointment import booked
from careplane.telehealth.visits.charges import CHARGES, charge, proposals
from careplane.telehealth.visits.documents import Person
from tests.unit.telehealth.test_visit_pieces import APPOINTMENT, NOON

ENCOUNTER = json.parse(
    b'{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"VR"},'
    b'"period":{"start":"2026-03-01T12:00:00Z","end":"2026-03-01T12:18:30Z"},'
    b'"length":{"value":18.5,"unit":"min","system":"http://unitsofmeasure.org","code":"min"}}'
)
VISIT = booked(APPOINTMENT)


def rule(*expressions: Any, **more: Any) -> dict[str, Any]:
    """A ChargeItemDefinition with these conditions."""
    return {
        "resourceType": "ChargeItemDefinition",
        "id": "r",
        "url": "http://clinic.test/rules/r",
        "status": "active",
        "title": "A visit of a quarter of an hour",
        "code": {"coding": [{"system": "http://clinic.test/codes", "code": "V15"}]},
        "applicability": [
            one if isinstance(one, dict) else {"language": "text/fhirpath", "expression": one}
            for one in expressions
        ],
        **more,
    }


RULES: dict[str, tuple[dict[str, Any], bool]] = {
    "one that holds": (rule("class.code = 'VR'"), True),
    "two that hold": (rule("class.code = 'VR'", "length.value >= 15"), True),
    "one of two does not hold": (rule("class.code = 'VR'", "length.value >= 30"), False),
    "no condition at all": (rule(), False),
    "retired": (rule("true", status="retired"), False),
    "nothing to charge by": ({k: v for k, v in rule("true").items() if k != "code"}, False),
    "empty is not true": (rule("hospitalization.exists() and nothing"), False),
    "no truth value": (rule("length.value"), False),
    "no FHIRPath": (rule("class.code = "), False),
    "another language": (rule({"language": "text/cql", "expression": "true"}), False),
    "words alone": (rule({"description": "When it was long"}), False),
    "never ends": (rule("repeat(%resource).repeat(%resource).count() > 0 or true"), True),
}


@pytest.mark.parametrize("name", RULES)
def test_which_rules_apply(name: str) -> None:
    one, applies = RULES[name]
    found = proposals([one], ENCOUNTER, VISIT, [], NOON)
    assert bool(found) is applies


def test_a_charge() -> None:
    price = [{"priceComponent": [{"type": "base", "amount": {"value": 40, "currency": "EUR"}}]}]
    one = rule("true", propertyGroup=price)
    (found,) = proposals([one], ENCOUNTER, VISIT, [], NOON)
    assert (found.title, found.price, found.charged) == (one["title"], "40 EUR", False)
    made = charge(found, ENCOUNTER, VISIT, Person("Practitioner/d", "Dr. D"), NOON)
    check(json.dump({**made, "id": "x"}), "ChargeItem")
    assert made["identifier"] == [{"system": CHARGES, "value": "a/r"}]
    assert made["performer"] == [{"actor": {"reference": "Practitioner/d"}}]
    assert made["context"] == {"reference": "Encounter/e"}
    (again,) = proposals([one], ENCOUNTER, VISIT, [made], NOON)
    assert again.charged


def test_the_order_is_that_of_titles() -> None:
    rules = [rule("true", id=id, title=title) for id, title in (("1", "B"), ("2", "A"), ("3", "C"))]
    assert [one.title for one in proposals(rules, ENCOUNTER, VISIT, [], NOON)] == ["A", "B", "C"]
