"""Amounts in grams and in moles: found by what comes with the server, by a ConceptMap of one's own,
and only while that says so."""

from __future__ import annotations

from typing import Any

import pytest

from careplane.fhir.analytes import TARGET
from tests.fhir_house import House, ids

pytestmark = pytest.mark.anyio
UCUM = "http://unitsofmeasure.org"
LOCAL = "http://lab.example/tests"


def measured(id: str, code: str, value: float, unit: str, system: str = LOCAL) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": system, "code": code}]},
        "valueQuantity": {"value": value, "system": UCUM, "code": unit},
    }


def weighing(code: str, target: dict[str, Any], id: str = "ours", system: str = LOCAL) -> Any:
    element = {"code": code, "target": [{"equivalence": "relatedto", **target}]}
    return {
        "resourceType": "ConceptMap",
        "id": id,
        "status": "active",
        "targetUri": TARGET,
        "group": [{"source": system, "target": UCUM, "element": [element]}],
    }


async def found(house: House, ask: str) -> list[str]:
    answer = await house.http.get(f"Observation?value-quantity={ask}")
    assert answer.status_code == 200, answer.text
    return sorted(id.removeprefix("Observation/") for id in ids(answer))


async def test_a_map_of_ones_own_counts_at_once(house: House) -> None:
    await house.put(measured("loinc", "14749-6", 5.55, "mmol/L", "http://loinc.org"))
    await house.put(measured("ours", "GLU", 5.55, "mmol/L"))
    ask = f"gt99|{UCUM}|mg/dL"
    assert await found(house, ask) == ["loinc"]
    await house.put(weighing("GLU", {"code": "180156.mg/mol"}))
    assert await found(house, ask) == ["loinc", "ours"]
    await house.put(weighing("GLU", {"code": "90.g/mol"}))
    assert await found(house, ask) == ["loinc"]
    await house.put(
        weighing("14749-6", {"equivalence": "unmatched"}, "not-this", "http://loinc.org")
    )
    assert await found(house, ask) == []
    await house.http.delete("ConceptMap/not-this")
    assert await found(house, ask) == ["loinc"]


async def test_what_is_no_molar_mass_is_refused(house: House) -> None:
    wrong = weighing("GLU", {"code": "mg/dL"})
    answer = await house.http.put("ConceptMap/ours", json=wrong)
    assert answer.status_code == 400
    (issue,) = answer.json()["issue"]
    assert "not a mass a mole" in issue["diagnostics"]
    assert issue["expression"] == ["ConceptMap.group[0].element[0]"]
    checked = await house.http.post("ConceptMap/$validate", json=wrong)
    assert issue in checked.json()["issue"]
    other = {**wrong, "targetUri": "http://lab.example/units"}
    assert (await house.http.put("ConceptMap/ours", json=other)).status_code == 201
