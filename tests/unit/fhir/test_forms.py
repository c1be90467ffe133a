"""Responses beside their questionnaires, by tables; and what hostile ones cost."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from careplane.fhir.validation.forms import response_problems
from careplane.kernel.errors import Issue

CORE = "http://hl7.org/fhir/StructureDefinition/"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
TABLE = Path(__file__).with_name("forms.yaml").read_text("utf-8")
CASES = yaml.safe_load(TABLE.replace('"C/', f'"{CORE}').replace('"S/', f'"{SDC}'))
URL = "http://example.org/q"


def decimals(value: Any) -> Any:
    """As our codec reads numbers."""
    if isinstance(value, dict):
        return {key: decimals(one) for key, one in value.items()}
    if isinstance(value, list):
        return [decimals(one) for one in value]
    return Decimal(str(value)) if isinstance(value, float) else value


def held(case: dict[str, Any]) -> list[Issue]:
    questionnaire = {
        "resourceType": "Questionnaire",
        "url": URL,
        "status": "active",
        "item": case["items"],
        **{name: case[name] for name in ("contained", "extension") if name in case},
        **case.get("questionnaire", {}),
    }
    response = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": URL,
        "status": case.get("status", "completed"),
        "item": case["answers"],
        **case.get("response", {}),
    }
    sets = case.get("in_set", {})

    def in_set(system: str, code: str, url: str) -> bool | None:
        return [system, code] in sets[url] if url in sets else None

    found = response_problems(
        decimals(response), lambda url: decimals(questionnaire), "QuestionnaireResponse", in_set
    )
    return list(found)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_a_response(case: dict[str, Any]) -> None:
    told = [
        f"{'' if i.severity == 'error' else i.severity + ' '}{i.code} @ "
        + i.where.removeprefix("QuestionnaireResponse").removeprefix(".")
        for i in held(case)
    ]
    assert sorted(told) == sorted(case["told"])


def test_a_questionnaire_that_is_not_here() -> None:
    response = {"resourceType": "QuestionnaireResponse", "questionnaire": URL}
    (issue,) = response_problems(response, lambda url: None, "QuestionnaireResponse")
    assert (issue.severity, issue.where) == ("information", "QuestionnaireResponse.questionnaire")
    assert not list(response_problems({}, lambda url: None, "QuestionnaireResponse"))


def test_something_else_than_a_questionnaire() -> None:
    response = {"resourceType": "QuestionnaireResponse", "questionnaire": "#q"}
    response["contained"] = [{"resourceType": "ValueSet", "id": "q"}]  # type: ignore[assignment]
    (issue,) = response_problems(response, lambda url: None, "QuestionnaireResponse")
    assert issue.severity == "error"


def rule(expression: str) -> dict[str, Any]:
    parts = [
        {"url": "key", "valueId": "k"},
        {"url": "severity", "valueCode": "error"},
        {"url": "expression", "valueString": expression},
    ]
    return {"url": f"{CORE}questionnaire-constraint", "extension": parts}


HOSTILE: dict[str, dict[str, Any]] = {
    "many repetitions": {
        "items": [
            {
                "linkId": "g",
                "type": "group",
                "repeats": True,
                "item": [
                    {"linkId": "q", "type": "boolean"},
                    {
                        "linkId": "r",
                        "type": "boolean",
                        "enableWhen": [{"question": "q", "operator": "exists"}],
                    },
                ],
            }
        ],
        "answers": [{"linkId": "g", "item": [{"linkId": "q", "answer": [{"valueBoolean": True}]}]}]
        * 5_000,
    },
    "expressions that take long": {
        "items": [
            {
                "linkId": f"{n}",
                "type": "string",
                "extension": [
                    rule("%resource.descendants().descendants().descendants().count() < 0")
                ],
            }
            for n in range(300)
        ],
        "answers": [{"linkId": f"{n}", "answer": [{"valueString": "x"}]} for n in range(300)],
    },
}


@pytest.mark.parametrize("case", HOSTILE.values(), ids=HOSTILE)
def test_bounded_time(case: dict[str, Any]) -> None:
    begun = time.process_time()
    held(case)
    assert time.process_time() - begun < 8
