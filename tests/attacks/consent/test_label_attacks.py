"""Attacks on security labels: taken away, lowered, hidden, or never made."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.consent.consents import House as Choices
from careplane.access.labels import tables
from careplane.access.labels.labelling import Labelling
from careplane.access.scopes import parse_scopes
from careplane.kernel.errors import Incorrect
from tests.consent_house import labels
from tests.fhir_house import TENANT, House, bundle, entry, observation, open_house, patient
from tests.policy_house import to

pytestmark = pytest.mark.anyio

LABELS = Labelling(tables.load(), ("Organization/detox", "client/detox"), ("officer",))
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
CALLER = Caller(TENANT, "Practitioner/n", "N", parse_scopes("user/*.cruds"))
OFFICER = replace(CALLER, id="Practitioner/o", roles=frozenset({"officer"}))
POLICY = {"officer.cedar": 'permit (principal in Role::"officer", action, resource);'}


def condition(id: str, code: str, **more: Any) -> dict[str, Any]:
    coded = {"coding": [{"system": ICD, "code": code}]}
    return {"resourceType": "Condition", "id": id, "subject": to("Patient/p"), "code": coded} | more


async def codes(http: httpx.AsyncClient, key: str) -> set[str]:
    found = (await http.get(key)).json().get("meta", {}).get("security", ())
    return {one["code"] for one in found}


SECRET = observation("o", "p", meta=labels("V", "SDV"))
_PATCH = "application/json-patch+json"


async def _put(http: httpx.AsyncClient) -> httpx.Response:
    return await http.put("Observation/o", json=observation("o", "p", status="amended"))


async def _lower(http: httpx.AsyncClient) -> httpx.Response:
    return await http.put("Observation/o", json=observation("o", "p", meta=labels("N")))


async def _patch(http: httpx.AsyncClient) -> httpx.Response:
    body = b'[{"op":"remove","path":"/meta/security"}]'
    return await http.patch("Observation/o", content=body, headers={"content-type": _PATCH})


async def _replace(http: httpx.AsyncClient) -> httpx.Response:
    body = b'[{"op":"replace","path":"/meta/security/0/code","value":"L"}]'
    return await http.patch("Observation/o", content=body, headers={"content-type": _PATCH})


async def _meta_delete(http: httpx.AsyncClient) -> httpx.Response:
    meta = {"name": "meta", "valueMeta": labels("V", "SDV")}
    body = {"resourceType": "Parameters", "parameter": [meta]}
    return await http.post("Observation/o/$meta-delete", json=body)


async def _transaction(http: httpx.AsyncClient) -> httpx.Response:
    changed = observation("o", "p", status="amended")
    return await http.post(
        "", content=bundle("transaction", entry("PUT", "Observation/o", changed))
    )


async def _conditional(http: httpx.AsyncClient) -> httpx.Response:
    changed = {k: v for k, v in observation("o", "p", status="amended").items() if k != "id"}
    return await http.put("Observation?_id=o", json=changed)


LOWERING = {f.__name__: f for f in (_put, _lower, _patch, _replace, _meta_delete, _transaction,
                                    _conditional)}  # fmt: skip


@pytest.mark.parametrize("name", LOWERING)
async def test_labels_are_not_lowered(house: House, name: str) -> None:
    """By whom may not; and by whom may, so that the attack proves something."""
    async with open_house(house.store, labels=LABELS, policies=POLICY) as again:
        await again.put(patient("p"))
        await again.put(SECRET)
        async with again.client_of(CALLER) as http:
            assert (await LOWERING[name](http)).status_code == 200
            assert {"V", "SDV"} <= await codes(http, "Observation/o")
            found = await http.get("Observation?_security=V")
            assert found.json()["total"] == 1
        async with again.client_of(OFFICER) as http:
            assert (await LOWERING[name](http)).status_code == 200
            assert not {"V", "SDV"} <= await codes(http, "Observation/o")


HIDDEN = {
    "as it is": json.dumps(condition("c", "F11.20")),
    "in an escape": json.dumps(condition("c", "F11.20")).replace("F11.20", "F1\\u0031.20"),
    "behind an escaped name": json.dumps(condition("c", "F11.20")).replace(
        '"code": "F11', '"c\\u006fde": "F11'),
    "contained": json.dumps(observation("c", "p", contained=[condition("in", "F11.20")],
                                        focus=[{"reference": "#in"}])),
    "as a second coding": json.dumps(condition("c", "A00") | {"code": {"coding": [
        {"system": ICD, "code": "A00"}, {"system": ICD, "code": "F11.20"}]}}),
    "in an extension": json.dumps(condition("c", "A00", extension=[
        {"url": "http://x", "valueCoding": {"system": ICD, "code": "F11.20"}}])),
}  # fmt: skip


@pytest.mark.parametrize("name", HIDDEN)
async def test_a_code_is_found_wherever_it_stands(house: House, name: str) -> None:
    raw = HIDDEN[name]
    type = json.loads(raw)["resourceType"]
    async with open_house(house.store, labels=LABELS) as again:
        answer = await again.http.put(f"{type}/c", content=raw.encode())
        assert answer.status_code == 201, answer.text
        assert await codes(again.http, f"{type}/c") == {"R", "OPIOIDUD"}
        assert (await again.http.get(f"{type}?_security=OPIOIDUD")).json()["total"] == 1


CODED = [
    (ICD, "F10.10", "ETHUD"), (ICD, "B20", "HIV"), (ICD, "F32.9", "PSY"), (ICD, "Z30.09", "SEX"),
    (ICD, "T74.11XA", "SDV"), (ICD, "Q90.9", "GDIS"), (ICD, "D57.1", "SCA"),
    ("http://snomed.info/sct", "86406008", "HIV"), ("http://loinc.org", "75622-1", "HIV"),
    ("http://www.nlm.nih.gov/research/umls/rxnorm", "6813", "OPIOIDUD"),
    (ICD, "F17.200", None), (ICD, "I10", None), ("http://loinc.org", "B20", None),
]  # fmt: skip


@pytest.mark.parametrize(("system", "code", "label"), CODED)
def test_what_the_tables_say(system: str, code: str, label: str | None) -> None:
    found = {one.label for one in tables.load().of(system, code)}
    assert found == ({label} if label else set())


async def test_a_program_under_part_2_is_labelled_by_its_source(house: House) -> None:
    """And is hidden at once, from whoever does not work in the program."""
    choices = Choices(program=frozenset({"officer"}))
    detox = Caller(TENANT, "client/detox", "Detox", parse_scopes("system/*.cruds"))
    async with (
        open_house(house.store, labels=LABELS, policies=POLICY, consent=choices) as again,
        again.client_of(detox) as source,
        again.client_of(OFFICER) as inside,
    ):
        await again.put(observation("o", "p", performer=[to("Organization/detox")]))
        made = await source.put("Observation/d", json=observation("d", "p"))
        assert made.status_code == 201
        for key in ("Observation/o", "Observation/d"):
            assert await codes(inside, key) == {"42CFRPart2", "NODSCLCD", "R"}
            assert (await again.http.get(key)).status_code == 404


async def test_what_was_stored_before_is_labelled_by_a_job(house: House) -> None:
    for n in range(3):
        await house.put(condition(f"c{n}", "F11.20" if n else "I10"))
    async with open_house(house.store, labels=LABELS) as again, again.client_of(CALLER) as http:
        assert (await http.post("$relabel")).status_code == 403
        done = (await again.http.post("$relabel")).json()["parameter"]
        assert [one["valueInteger"] for one in done] == [3, 2]
        assert (await again.http.get("Condition?_security=OPIOIDUD")).json()["total"] == 2
        done = (await again.http.post("$relabel")).json()["parameter"]
        assert [one["valueInteger"] for one in done] == [3, 0]


def test_tables_of_an_institution_add_and_are_checked(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("system,code,label,level\nhttp://own,X*,VIP,V\n")
    table = tables.load(tmp_path)
    assert [one.label for one in table.of("http://own", "X1")] == ["VIP"]
    assert table.of(ICD, "B20")
    (tmp_path / "own.csv").write_text("system,code,label,level\nhttp://own,X*,VIP,Q\n")
    with pytest.raises(Incorrect, match=r"own\.csv:2"):
        tables.load(tmp_path)


def test_a_code_is_found_however_many_harmless_ones_came_before() -> None:
    labelling = Labelling(tables.load())
    coded = '}},"code":{{"coding":[{{"code":"A00"}},{{"system":"{}","code":"{}"}}]}}}}'
    secret = coded.format(ICD, "F11.20").encode()
    for number in range(50_000):
        harmless = coded.format(ICD, f"X{number}").encode()
        assert labelling.labelled(CALLER, harmless) is harmless
        if number % 10_000 < 2:
            assert b"OPIOIDUD" in labelling.labelled(CALLER, secret)
