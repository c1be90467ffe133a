"""The JSON Patch cases of the FHIR test suite (fhir-test-cases, r4/patch/json-patch-tests.json)."""

from __future__ import annotations

import copy
import json as plain
from typing import Any

import pytest

from careplane.fhir.codec import json
from careplane.fhir.patch import json_patch
from careplane.kernel.errors import CareplaneError
from tests.support import test_data

EXPECTED_FAILURES: dict[str, str] = {}


def cases() -> list[Any]:
    try:
        path = test_data("fhir-test-cases", "r4", "patch", "json-patch-tests.json")
    except pytest.skip.Exception as absent:
        return [pytest.param({}, id="absent", marks=pytest.mark.skip(reason=str(absent)))]
    return [pytest.param(case, id=case["comment"]) for case in plain.loads(path.read_text())]


@pytest.mark.parametrize("case", cases())
def test_json_patch(case: dict[str, Any]) -> None:
    document = json.parse(plain.dumps(case["doc"]).encode())
    before = copy.deepcopy(document)
    patch = plain.dumps(case["patch"]).encode()
    if "error" in case:
        with pytest.raises(CareplaneError):
            json_patch.apply(document, patch)
    else:
        assert json_patch.apply(document, patch) == case["expected"]
    assert document == before
