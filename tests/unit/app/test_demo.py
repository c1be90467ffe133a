"""The demo data: about today, linked, plainly synthetic, small."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import pytest

from careplane.app.demo import ANCHOR, bundles
from careplane.app.demo.roles import roles
from careplane.fhir.codec import json as fhir_json
from careplane.fhir.validation import check
from careplane.storage.ports.records import Tenant

TODAY = date(2031, 3, 5)


@cache
def resources() -> tuple[dict[str, Any], ...]:
    entries = (entry for raw in bundles(TODAY) for entry in json.loads(raw)["entry"])
    return tuple(entry["resource"] for entry in entries)


def of(kind: str, patient: str = "") -> list[dict[str, Any]]:
    return [
        tree
        for tree in resources()
        if tree["resourceType"] == kind
        and patient in json.dumps(tree.get("subject", tree.get("participant", "")))
    ]


def test_two_dozen_patients_in_two_megabytes() -> None:
    packed = files("careplane.app.demo") / "bundles.ndjson.gz"
    assert len(packed.read_bytes()) <= 2_000_000
    assert len(of("Patient")) == 24
    assert len({tree["resourceType"] for tree in resources()}) >= 20


def test_no_id_stands_twice() -> None:
    counted = Counter((tree["resourceType"], tree["id"]) for tree in resources())
    assert counted.most_common(1)[0][1] == 1


def test_every_reference_leads_somewhere() -> None:
    known = {f"{tree['resourceType']}/{tree['id']}" for tree in resources()}
    found = re.findall(r'"reference": "([^"]+)"', json.dumps(resources()))
    assert found
    assert {reference for reference in found if reference not in known} == set()


def test_every_patient_is_marked_as_test_data() -> None:
    for patient in of("Patient"):
        assert patient["meta"]["security"][0]["code"] == "HTEST"
        assert [i["value"][:5] for i in patient["identifier"]] == ["DEMO-"]


def test_two_names_are_not_in_latin_script() -> None:
    families = [patient["name"][0]["family"] for patient in of("Patient")]
    assert sum(not family.isascii() for family in families) == 2


@pytest.mark.parametrize("today", [ANCHOR, TODAY, date(2028, 2, 29)])
def test_the_story_is_about_today(today: date) -> None:
    trees = [e["resource"] for raw in bundles(today) for e in json.loads(raw)["entry"]]
    flag = next(tree for tree in trees if tree["resourceType"] == "Flag")
    visit = next(
        tree
        for tree in trees
        if tree["resourceType"] == "Appointment" and "Heart failure" in tree["description"]
    )
    assert flag["period"]["start"][:10] == str(today - timedelta(days=1))
    assert visit["start"][:10] == str(today + timedelta(days=1))


def test_nothing_but_appointments_and_plans_lies_ahead() -> None:
    for kind in ("Observation", "Encounter", "Condition", "Immunization", "Procedure"):
        for tree in of(kind):
            for name in ("effectiveDateTime", "onsetDateTime", "occurrenceDateTime"):
                assert tree.get(name, "")[:10] <= str(TODAY)


def test_weight_rises_while_saturation_falls() -> None:
    def last(code: str) -> list[float]:
        rows = sorted(
            (tree["effectiveDateTime"], tree["valueQuantity"]["value"])
            for tree in of("Observation", "devin-bailey")
            if any(c["code"] == code for c in tree["code"]["coding"]) and "device" in tree
        )
        return [value for _, value in rows]

    weights, saturations = last("29463-7"), last("59408-5")
    assert len(weights) == len(saturations) == 60
    assert weights[-1] - weights[-9] > 3
    assert saturations[-1] < 90 <= saturations[-9]


def test_every_resource_is_valid() -> None:
    for raw in bundles(TODAY):
        check(raw, "Bundle")
        for entry in fhir_json.parse(raw)["entry"]:
            check(fhir_json.dump(entry["resource"]))


def test_roles_are_for_people_of_the_demo() -> None:
    known = {f"{tree['resourceType']}/{tree['id']}" for tree in resources()}
    picker = {role.key: role for role in roles(Tenant(1))}
    assert picker["patient"].caller.id in known
    assert picker["physician"].caller.id in known
    assert not any(scope.type == "Observation" for scope in picker["front-desk"].caller.scopes)
