"""Questionnaires, measures, maps: what `$validate` tells of them and of what lies beside them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from careplane.fhir.validation import problems
from careplane.fhir.validation.measures import measure_problems

CORE = "http://hl7.org/fhir/StructureDefinition/"
TABLE = Path(__file__).with_name("beside.yaml").read_text("utf-8").replace('"C/', f'"{CORE}')


def _encoded(value: Any) -> Any:
    """Libraries as they are sent: what they hold, in base64."""
    if isinstance(value, list):
        return [_encoded(one) for one in value]
    if not isinstance(value, dict):
        return value
    for name, write in (("elm", json.dumps), ("cql", str)):
        if name in value:
            data = base64.b64encode(write(value[name]).encode()).decode()
            return {"contentType": value["contentType"], "data": data}
    return {key: _encoded(one) for key, one in value.items()}


CASES = _encoded(yaml.safe_load(TABLE))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_a_resource(case: dict[str, Any]) -> None:
    beside = {one["url"]: one for one in case.get("beside", ())}
    resource = case["resource"]
    told = [
        f"{'' if i.severity == 'error' else i.severity + ' '}{i.code} @ "
        + i.where.removeprefix(resource["resourceType"]).removeprefix(".")
        for i in problems(resource, beside.get)
        if not i.text.startswith(("dom-6", "mea-0", "que-0"))
    ]
    assert sorted(told) == sorted(case["told"])


@pytest.mark.parametrize("data", ["%%%", "e30=", "W10=", "bnVsbA==", 5, "x" * 6_000_000])
def test_libraries_that_cannot_be_read_say_nothing(data: Any) -> None:
    measure = next(c["resource"] for c in CASES if c["resource"]["resourceType"] == "Measure")
    content = [{"contentType": "application/elm+json", "data": data}]
    library = {"resourceType": "Library", "name": "Elm", "content": content}
    assert not list(measure_problems(measure, lambda url: library, "Measure"))
