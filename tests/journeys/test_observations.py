"""`Observation/$lastn` and `$stats` over HTTP (FHIR R4, Observation operations)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fhir_house import House, ids, observation, patient

pytestmark = pytest.mark.anyio


def coded(*codes: str, text: str | None = None) -> dict[str, Any]:
    coding = [{"system": "urn:s", "code": code} for code in codes]
    return {**({"coding": coding} if coding else {}), **({"text": text} if text else {})}


async def put(house: House, id: str, day: int, of: str = "p", **more: Any) -> None:
    when = {"effectiveDateTime": f"2024-01-{day:02d}"}
    await house.put({**observation(id, of), **when, **more})


async def lastn(house: House, query: str) -> list[str]:
    answer = await house.http.get(f"Observation/$lastn?{query}")
    assert answer.status_code == 200, answer.text
    return [key.removeprefix("Observation/") for key in ids(answer)]


VITAL = {"category": [{"coding": [{"system": "c", "code": "vital"}]}]}


async def test_lastn_gives_the_latest_of_each_code_and_ties(house: House) -> None:
    for id, day, code in (
        ("a1", 1, "a"), ("a2", 2, "a"), ("a3", 3, "a"), ("a4", 3, "a"), ("b1", 5, "b"),
    ):  # fmt: skip
        await put(house, id, day, code=coded(code), **VITAL)
    await put(house, "other", 9, of="q", code=coded("a"), **VITAL)
    found = await lastn(house, "patient=Patient/p&category=vital")
    assert (found[0], set(found)) == ("b1", {"b1", "a3", "a4"})
    assert set(await lastn(house, "patient=p&category=vital&max=2")) == {"b1", "a3", "a4"}
    assert await lastn(house, "subject=Patient/p&code=urn:s|a&max=3") == ["a4", "a3", "a2"]
    assert await lastn(house, "patient=p&code=urn:s|a&date=lt2024-01-03") == ["a2"]
    assert await lastn(house, "patient=nobody&code=urn:s|a") == []


@pytest.mark.parametrize(
    ("codes", "groups"),
    [
        ((coded("a"), coded("b"), coded("c")), 3),
        ((coded("a"), coded("b"), coded("a", "c")), 2),
        ((coded("a"), coded("b"), coded("a", "b")), 1),
        ((coded("a"), coded("b", "c"), coded("a", "b")), 1),
        ((coded(text="textM"), coded(text="Text"), coded(text="t e x t")), 3),
        ((coded(text="t"), coded(text="t"), coded("a", text="t")), 2),
    ],
)
async def test_codes_are_grouped_through_translations(
    house: House, codes: tuple[dict[str, Any], ...], groups: int
) -> None:
    for n, code in enumerate(codes):
        await put(house, f"o{n}", n + 1, code=code, **VITAL)
    assert len(await lastn(house, "patient=p&category=vital")) == groups


@pytest.mark.parametrize(
    "query",
    ["category=vital", "patient=p", "patient=p&code=a&max=0", "patient=p&code=a&_sort=date",
     "patient=p&code=a&max=x"],
)  # fmt: skip
async def test_lastn_says_what_it_lacks(house: House, query: str) -> None:
    answer = await house.http.get(f"Observation/$lastn?{query}")
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_lastn_stays_within_rights(house: House) -> None:
    await put(house, "mine", 1, code=coded("a"))
    await put(house, "theirs", 2, of="q", code=coded("a"))
    async with house.client("patient/Observation.rs", patient="p") as client:
        assert ids(await client.get("Observation/$lastn?subject=Patient/q&code=a")) == []
        assert ids(await client.get("Observation/$lastn?subject=Patient/p&code=a")) == [
            "Observation/mine"
        ]


def amount(value: float, unit: str = "kg", **more: Any) -> dict[str, Any]:
    return {"value": value, "system": "http://unitsofmeasure.org", "code": unit, **more}


async def stats(house: House, query: str) -> list[dict[str, Any]]:
    answer = await house.http.get(f"Observation/$stats?subject=Patient/p&{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["parameter"])


def figures(observed: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for component in observed["component"]:
        name = component["code"].get("text") or component["code"]["coding"][0]["code"]
        quantity = component.get("valueQuantity", {})
        found[name] = component.get("valueInteger", quantity.get("value"))
    return found


async def weighed(house: House) -> None:
    await house.put(patient("p"))
    for n, value in enumerate((10, 20, 30, 40)):
        await put(house, f"w{n}", n + 1, code=coded("w"), valueQuantity=amount(value))
    await put(house, "grams", 5, code=coded("w"), valueQuantity=amount(50_000, "g"))
    await put(house, "wrong", 5, code=coded("w"), valueQuantity=amount(1, "m"))
    await put(house, "less", 6, code=coded("w"), valueQuantity=amount(1, comparator="<"))
    await put(house, "error", 6, status="entered-in-error", code=coded("w"),
              valueQuantity=amount(999))  # fmt: skip


async def test_stats_of_one_code_in_one_unit(house: House) -> None:
    await weighed(house)
    wanted = "average,max,min,count,total-count,median,sum,variance,4-upper,regression"
    (found,) = await stats(house, f"code=w&system=urn:s&statistic={wanted}")
    observed = found["resource"]
    assert figures(observed) == {
        "average": 30, "maximum": 50, "minimum": 10, "count": 5, "total-count": 7, "median": 30,
        "sum": 150, "variance": 250, "4-upper": 40, "Gradient": 10, "Intercept": 10,
    }  # fmt: skip
    assert observed["status"] == "final"
    checked = await house.http.post("Observation/$validate", json=observed)
    assert [i for i in checked.json()["issue"] if i["severity"] == "error"] == []


async def test_stats_of_a_period_with_its_sources(house: House) -> None:
    await weighed(house)
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "subject", "valueUri": "Patient/p"},
            {"name": "coding", "valueCoding": {"system": "urn:s", "code": "w"}},
            {"name": "period", "valuePeriod": {"start": "2024-01-02", "end": "2024-01-03"}},
            {"name": "statistic", "valueCode": "average"},
            {"name": "include", "valueBoolean": True},
            {"name": "limit", "valuePositiveInt": 1},
        ],
    }
    answer = await house.http.post("Observation/$stats", json=parameters)
    statistics, source = answer.json()["parameter"]
    assert figures(statistics["resource"]) == {"average": 25}
    assert source["resource"]["id"] in ("w1", "w2")


async def test_stats_count_what_has_no_date(house: House) -> None:
    """It is in every figure but those of time: the period, and the line through the points."""
    for n, when in enumerate(({}, {"effectiveDateTime": "2024-01-02"}, {})):
        weight = amount(70 + 2 * n)
        await house.put(observation(f"w{n}", "p", code="w", valueQuantity=weight, **when))
    (found,) = await stats(house, "code=w&statistic=average,count,regression")
    wanted = {"average": 72, "count": 3, "Gradient": None, "Intercept": None}
    assert figures(found["resource"]) == wanted
    period = found["resource"]["effectivePeriod"]
    assert period == dict.fromkeys(("start", "end"), "2024-01-02T00:00:00.000Z")
    for n in range(3):
        await house.http.delete(f"Observation/w{n}")
    await house.put(observation("alone", "p", code="w", valueQuantity=amount(70)))
    (found,) = await stats(house, "code=w&statistic=count")
    assert "effectivePeriod" not in found["resource"]


async def test_stats_of_a_panel_go_by_its_parts(house: House) -> None:
    await house.put(patient("p"))
    for n in (1, 2):
        parts = [
            {"code": coded("sys"), "valueQuantity": amount(100 + 10 * n, "mm[Hg]")},
            {"code": coded("dia"), "valueQuantity": amount(60 + 10 * n, "mm[Hg]")},
        ]
        await put(house, f"bp{n}", n, code=coded("panel"), component=parts)
    await put(house, "alone", 3, code=coded("pulse"), valueQuantity=amount(70, "/min"))
    members = {"hasMember": [{"reference": "Observation/alone"}]}
    await put(house, "group", 3, code=coded("panel"), **members)
    found = await stats(house, "code=urn:s|panel&coding=urn:s|panel&statistic=average")
    by_code = {
        p["resource"]["code"]["coding"][0]["code"]: figures(p["resource"]) for p in found[-3:]
    }
    assert by_code == {"sys": {"average": 115}, "dia": {"average": 75}, "pulse": {"average": 70}}
    (systolic,) = await stats(house, "code=sys&system=urn:s&statistic=max,skew")
    assert figures(systolic["resource"]) == {"maximum": 120, "skew": None}


@pytest.mark.parametrize(
    "query",
    ["code=w", "code=w&statistic=mode", "statistic=max", "code=w&statistic=max&duration=-1",
     "code=w&statistic=max&duration=x", "code=w&statistic=max&include=maybe",
     "code=w&statistic=max&other=1", "code=w&statistic=max&include=true&limit=0"],
)  # fmt: skip
async def test_stats_says_what_is_wrong(house: House, query: str) -> None:
    answer = await house.http.get(f"Observation/$stats?subject=Patient/p&{query}")
    assert answer.status_code == 400
