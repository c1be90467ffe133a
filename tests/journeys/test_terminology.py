"""Operations on codes over HTTP: stored code systems, value sets and concept maps, whoever asks."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.kernel.clock import system_clock
from careplane.storage.ports.records import Tenant
from tests.contracts.engines import ENGINES
from tests.fhir_house import TENANT, House, open_house

pytestmark = pytest.mark.anyio
SYSTEM = "http://hospital.test/CodeSystem/wards"
SET = "http://hospital.test/ValueSet/wards"
MAP = "http://hospital.test/ConceptMap/wards"
WARDS: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "id": "wards",
    "url": SYSTEM,
    "version": "1",
    "name": "Wards",
    "status": "active",
    "content": "complete",
    "hierarchyMeaning": "is-a",
    "concept": [
        {
            "code": "care",
            "display": "Care",
            "concept": [
                {"code": "icu", "display": "Intensive care"},
                {"code": "imc", "display": "Intermediate care"},
            ],
        },
        {"code": "lab", "display": "Laboratory"},
    ],
}
UNDER_CARE: dict[str, Any] = {
    "resourceType": "ValueSet",
    "id": "wards",
    "url": SET,
    "status": "active",
    "compose": {
        "include": [
            {
                "system": SYSTEM,
                "filter": [{"property": "concept", "op": "descendent-of", "value": "care"}],
            }
        ]
    },
}
TO_V3: dict[str, Any] = {
    "resourceType": "ConceptMap",
    "id": "wards",
    "url": MAP,
    "status": "active",
    "group": [
        {
            "source": SYSTEM,
            "target": "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
            "element": [
                {"code": "icu", "target": [{"code": "ICU", "equivalence": "equivalent"}]},
                {"code": "imc", "target": [{"code": "ICU", "equivalence": "wider"}]},
                {"code": "lab", "target": [{"equivalence": "unmatched"}]},
            ],
            "unmapped": {"mode": "fixed", "code": "HOSP", "display": "Hospital"},
        }
    ],
}


def said(answer: httpx.Response, name: str) -> Any:
    """The values of a parameter of the answer; one by itself."""
    assert answer.status_code == 200, answer.text
    found = [
        next(v for k, v in p.items() if k != "name")
        for p in answer.json()["parameter"]
        if p["name"] == name
    ]
    return found[0] if len(found) == 1 else found


def codes(answer: httpx.Response) -> list[str]:
    """The codes of an expansion, flat."""
    assert answer.status_code == 200, answer.text
    return [c["code"] for c in answer.json()["expansion"].get("contains", ())]


def parameters(**values: Any) -> dict[str, Any]:
    """Parameters, by `name_type=value`: `url_Uri`."""
    made = []
    for name, value in values.items():
        plain, _, type = name.rpartition("_")
        key = "resource" if type == "resource" else f"value{type}"
        made.append({"name": plain.replace("_", "-"), key: value})
    return {"resourceType": "Parameters", "parameter": made}


async def stored(house: House) -> None:
    for one in (WARDS, UNDER_CARE, TO_V3):
        await house.put(one)


async def test_what_is_stored_is_known_at_once_and_gone_at_once(house: House) -> None:
    path = f"ValueSet/$expand?url={SET}"
    assert (await house.http.get(path)).status_code == 404
    await stored(house)
    assert codes(await house.http.get(path)) == ["icu", "imc"]
    assert codes(await house.http.get("ValueSet/wards/$expand")) == ["icu", "imc"]
    assert codes(await house.http.get(f"{path}&filter=intens")) == ["icu"]
    more = {**WARDS, "concept": [*WARDS["concept"], {"code": "x"}]}
    more["concept"][0] = {"code": "care", "concept": [{"code": "ward"}]}
    await house.put(more)
    assert codes(await house.http.get(path)) == ["ward"]
    await house.http.delete("CodeSystem/wards")
    gone = await house.http.get(path)
    assert gone.status_code == 404
    assert SYSTEM in gone.json()["issue"][0]["details"]["text"]


async def test_several_versions_and_the_one_that_is_asked_for(house: House) -> None:
    await stored(house)
    newer = {**WARDS, "id": "wards-2", "version": "2", "concept": [{"code": "new"}]}
    await house.put(newer)
    look = f"CodeSystem/$lookup?system={SYSTEM}&code="
    assert said(await house.http.get(look + "new"), "version") == "2"
    assert said(await house.http.get(f"{look}icu&version=1"), "version") == "1"
    assert (await house.http.get(look + "icu")).status_code == 404
    check = f"CodeSystem/$validate-code?url={SYSTEM}&code=icu"
    assert said(await house.http.get(f"{check}&version=1"), "result") is True
    assert said(await house.http.get(check), "result") is False


async def test_the_value_set_of_all_codes_needs_not_be_written(house: House) -> None:
    named = {**WARDS, "valueSet": "http://hospital.test/vs/all"}
    path = "ValueSet/$expand?url=http://hospital.test/vs/all"
    await house.put(named)
    assert codes(await house.http.get(path + "&excludeNested=true")) == [
        "care",
        "icu",
        "imc",
        "lab",
    ]
    sent = {**named, "url": "http://sent", "valueSet": "http://sent/all"}
    body = parameters(url_Uri="http://sent/all", excludeNested_Boolean=True)
    body["parameter"].append({"name": "tx-resource", "resource": sent})
    assert codes(await house.http.post("ValueSet/$expand", json=body)) == [
        "care",
        "icu",
        "imc",
        "lab",
    ]
    written = {**UNDER_CARE, "id": "all", "url": "http://hospital.test/vs/all"}
    await house.put(written)
    assert codes(await house.http.get(path)) == ["icu", "imc"]


async def test_whoever_may_not_find_a_value_set_cannot_use_it(house: House) -> None:
    await stored(house)
    path = f"ValueSet/$validate-code?url={SET}&code=icu&system={SYSTEM}"
    assert said(await house.http.get(path), "result") is True
    patients_only = house.client("system/Patient.rs")
    other = house.client_of(
        Caller(Tenant(TENANT + 1), "client/o", "O", parse_scopes("system/*.cruds"))
    )
    for client in (patients_only, other):
        assert (await client.get(path)).status_code == 404
        r4 = "ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/observation-status"
        assert "final" in codes(await client.get(r4))
    no_system = house.client("system/ValueSet.rs")
    answer = await no_system.get(path)
    assert said(answer, "result") is False
    assert said(answer, "x-caused-by-unknown-system") == SYSTEM
    assert (await patients_only.get("ValueSet/wards/$expand")).status_code == 403


async def test_a_scope_with_criteria_holds_for_codes_too(house: House) -> None:
    await stored(house)
    await house.put({**WARDS, "id": "newer", "version": "2", "status": "draft"})
    path = f"CodeSystem/$lookup?system={SYSTEM}&code=icu"
    assert said(await house.http.get(path), "version") == "2"
    active_only = house.client("system/CodeSystem.rs?status=active system/ValueSet.rs")
    assert said(await active_only.get(path), "version") == "1"
    assert (await active_only.get(f"{path}&version=2")).status_code == 404
    assert codes(await active_only.get(f"ValueSet/$expand?url={SET}")) == ["icu", "imc"]
    drafts = house.client("system/CodeSystem.rs system/ValueSet.rs?status=draft")
    assert (await drafts.get(f"ValueSet/$expand?url={SET}")).status_code == 404
    last = (await house.audit())[-2:]
    assert ("CodeSystem", "wards", 1) in last[0].versions
    assert last[1].versions == ()


async def test_the_audit_trail_says_what_was_looked_into(house: House) -> None:
    await stored(house)
    codes(await house.http.get(f"ValueSet/$expand?url={SET}"))
    last = (await house.audit())[-1]
    assert last.interaction == "$expand"
    assert {("ValueSet", "wards", 1), ("CodeSystem", "wards", 1)} <= set(last.versions)


@pytest.mark.parametrize(
    ("a", "b", "outcome"),
    [
        ("care", "icu", "subsumes"),
        ("icu", "care", "subsumed-by"),
        ("icu", "icu", "equivalent"),
        ("icu", "lab", "not-subsumed"),
    ],
)
async def test_subsumes(house: House, a: str, b: str, outcome: str) -> None:
    await stored(house)
    path = f"CodeSystem/$subsumes?system={SYSTEM}&codeA={a}&codeB={b}"
    assert said(await house.http.get(path), "outcome") == outcome
    path = f"CodeSystem/wards/$subsumes?codeA={a}&codeB={b}"
    assert said(await house.http.get(path), "outcome") == outcome


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("code=icu", [("equivalent", "ICU")]),
        ("code=imc", [("wider", "ICU")]),
        ("code=lab", [("unmatched", None)]),
        ("code=elsewhere", [("inexact", "HOSP")]),
        ("code=icu&targetsystem=http://other", []),
    ],
)
async def test_translate(house: House, query: str, found: list[tuple[str, str | None]]) -> None:
    await stored(house)
    answer = await house.http.get(f"ConceptMap/$translate?system={SYSTEM}&{query}")
    matches = said(answer, "match") if found else []
    matches = [matches] if matches and isinstance(matches[0], dict) else matches
    parts = [{p["name"]: p for p in match} for match in matches]
    assert [
        (
            p["equivalence"]["valueCode"],
            p["concept"]["valueCoding"]["code"] if "concept" in p else None,
        )
        for p in parts
    ] == found
    assert said(answer, "result") is any(one[0] != "unmatched" for one in found)


async def test_translate_backwards(house: House) -> None:
    await stored(house)
    target = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
    path = f"ConceptMap/$translate?url={MAP}&system={target}&code=ICU&reverse=true"
    matches = said(await house.http.get(path), "match")
    found = {m[1]["valueCoding"]["code"]: m[0]["valueCode"] for m in matches}
    assert found == {"icu": "equivalent", "imc": "narrower"}


async def test_a_closure_table_grows_and_is_its_clients_own(house: House) -> None:
    await stored(house)

    async def closure(http: httpx.AsyncClient, *named: str, **more: Any) -> httpx.Response:
        body = parameters(name_String="wards", **more)
        concepts = [
            {"name": "concept", "valueCoding": {"system": SYSTEM, "code": code}} for code in named
        ]
        return await http.post("$closure", json={**body, "parameter": body["parameter"] + concepts})

    def pairs(answer: httpx.Response) -> list[tuple[str, str]]:
        assert answer.status_code == 200, answer.text
        return [
            (element["code"], target["code"])
            for group in answer.json().get("group", ())
            for element in group["element"]
            for target in element["target"]
        ]

    assert (await closure(house.http, "icu")).status_code == 404
    assert pairs(await closure(house.http)) == []
    assert pairs(await closure(house.http, "icu", "lab")) == []
    grown = await closure(house.http, "care")
    assert pairs(grown) == [("icu", "care")]
    assert grown.json()["version"] == "2"
    assert pairs(await closure(house.http, "imc")) == [("imc", "care")]
    assert pairs(await closure(house.http, "imc")) == []
    everything = await closure(house.http, version_String="0")
    assert pairs(everything) == [("icu", "care"), ("imc", "care")]
    assert pairs(await closure(house.http, version_String="2")) == [("imc", "care")]
    other = house.client("system/*.cruds")
    assert (await closure(other, "icu")).status_code == 404
    assert pairs(await closure(house.http)) == []


async def test_what_the_server_knows_is_in_its_terminology_capabilities(house: House) -> None:
    answer = await house.http.get("metadata?mode=terminology")
    systems = {one["uri"]: one.get("version") for one in answer.json()["codeSystem"]}
    assert systems["http://hl7.org/fhir/observation-status"] == [{"code": "4.0.1"}]
    assert "http://unitsofmeasure.org" in systems
    assert "http://snomed.info/sct" not in systems


def _bomb(levels: int) -> list[dict[str, Any]]:
    """Value sets each of which imports the next one twice."""
    return [
        {
            "resourceType": "ValueSet",
            "url": f"http://bomb/{n}",
            "status": "active",
            "compose": {"include": [{"valueSet": [f"http://bomb/{n + 1}"]}] * 2}
            if n < levels
            else {"include": [{"system": "http://hl7.org/fhir/observation-status"}]},
        }
        for n in range(levels + 1)
    ]


def _set(*includes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "ValueSet",
        "status": "active",
        "compose": {"include": [*includes]},
        **more,
    }


STATUS = "http://hl7.org/fhir/observation-status"
BAD: dict[str, tuple[dict[str, Any], int, str]] = {
    "a circle of value sets": (
        parameters(
            valueSet_resource=_set(
                {"valueSet": ["http://a"]}, url="http://a"
            )
        ),
        400,
        "processing",
    ),
    "a circle of two": (
        {"resourceType": "Parameters", "parameter": [
            {"name": "url", "valueUri": "http://a"},
            {"name": "tx-resource", "resource": _set({"valueSet": ["http://b"]}, url="http://a")},
            {"name": "tx-resource", "resource": _set({"valueSet": ["http://a"]}, url="http://b")},
        ]},
        400,
        "processing",
    ),
    "a bomb of imports": (
        {"resourceType": "Parameters", "parameter": [
            {"name": "url", "valueUri": "http://bomb/0"},
            *({"name": "tx-resource", "resource": one} for one in _bomb(30)),
        ]},
        200,
        "",
    ),
    "more includes than anybody writes": (
        parameters(valueSet_resource=_set(*[{"system": STATUS}] * 3000)),
        400,
        "too-costly",
    ),
    "an expression that backtracks": (
        parameters(valueSet_resource=_set({"system": STATUS, "filter": [
            {"property": "code", "op": "regex", "value": "(a+)+" * 20 + "$"}]})),
        200,
        "",
    ),
    "an expression that is none": (
        parameters(valueSet_resource=_set({"system": STATUS, "filter": [
            {"property": "code", "op": "regex", "value": "("}]})),
        400,
        "invalid",
    ),
    "a property that nobody knows": (
        parameters(valueSet_resource=_set({"system": STATUS, "filter": [
            {"property": "colour", "op": "=", "value": "red"}]})),
        501,
        "not-supported",
    ),
    "a code system that nobody knows": (
        parameters(valueSet_resource=_set({"system": "http://nobody"})),
        404,
        "not-found",
    ),
    "a list of a million characters": (
        parameters(valueSet_resource=_set({"system": STATUS, "concept": [{"code": "x" * 10**6}]})),
        200,
        "",
    ),
    "what is no value set": (
        parameters(valueSet_resource={"resourceType": "Patient"}),
        400,
        "structure",
    ),
    "a value set that is not of R4": (
        parameters(valueSet_resource={**_set({"system": STATUS}), "colour": "red"}),
        400,
        "structure",
    ),
    "a page before the first": (
        parameters(url_Uri="http://hl7.org/fhir/ValueSet/observation-status", offset_Integer=-1),
        400,
        "invalid",
    ),
    "a parameter that is not offered": (
        parameters(url_Uri="http://hl7.org/fhir/ValueSet/observation-status", date_DateTime="2020"),
        501,
        "not-supported",
    ),
    "no value set at all": (parameters(count_Integer=1), 400, "invalid"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_is_refused_in_bounded_time(name: str, tmp_path: Any) -> None:
    body, status, code = BAD[name]
    async with open_house(ENGINES["memory"](tmp_path, system_clock)) as house:
        began = time.process_time()
        answer = await house.http.post("ValueSet/$expand", json=body)
        taken = time.process_time() - began
    assert answer.status_code == status, answer.text[:500]
    assert taken < 3
    if code:
        issue = answer.json()["issue"][0]
        assert issue["code"] == code
        assert len(answer.content) < 4000


async def test_a_large_code_system_pages(house: House) -> None:
    large = {**WARDS, "concept": [{"code": f"c{n:05}", "display": f"W {n}"} for n in range(5000)]}
    await house.put(large)
    await house.put({**UNDER_CARE, "compose": {"include": [{"system": SYSTEM}]}})
    path = f"ValueSet/$expand?url={SET}"
    whole = await house.http.get(path)
    assert (whole.status_code, whole.json()["issue"][0]["code"]) == (400, "too-costly")
    seen: list[str] = []
    while page := codes(await house.http.get(f"{path}&count=999&offset={len(seen)}")):
        seen += page
    assert seen == [f"c{n:05}" for n in range(5000)]
    assert (await house.http.get(f"{path}&count=0")).json()["expansion"]["total"] == 5000
