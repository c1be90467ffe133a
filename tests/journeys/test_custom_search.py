"""Search parameters that are defined while the server runs: defined, built, used, changed, ended;
and never an answer that lacks something."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from careplane.records import reindexing
from careplane.records.jobs.job import Overtaken
from careplane.search.plan import EVERYTHING, Present, Query
from careplane.search.rows import Param, Rows, TokenRow
from careplane.storage.ports.records import Put, Reindex, Unit
from tests.fhir_house import TENANT, House, bundle, entry, ids, observation, open_house, patient

pytestmark = pytest.mark.anyio


def defining(id: str = "method", expression: str = "Observation.method", **more: Any) -> Any:
    return {
        "resourceType": "SearchParameter",
        "id": id,
        "url": f"http://example.org/SearchParameter/{id}",
        "name": id,
        "status": "active",
        "description": "By how it was done.",
        "code": "by-method",
        "base": ["Observation"],
        "type": "token",
        "expression": expression,
        **more,
    }


def measured(id: str, method: str, **more: Any) -> Any:
    return observation(id, "p", method={"coding": [{"system": "urn:m", "code": method}]}, **more)


async def found(house: House, query: str = "by-method=a") -> list[str]:
    answer = await house.http.get(f"Observation?{query}")
    assert answer.status_code == 200, answer.text
    assert "entry" not in answer.json() or all(
        e["search"]["mode"] != "outcome" for e in answer.json()["entry"]
    ), answer.text
    return sorted(id.removeprefix("Observation/") for id in ids(answer))


async def start(house: House, path: str = "$reindex", body: Any = None) -> str:
    answer = await house.http.post(path, json=body) if body else await house.http.post(path)
    assert answer.status_code == 202, answer.text
    assert answer.headers["content-location"].endswith(f"$reindex?id={said(answer)['id']}")
    return str(said(answer)["id"])


def said(answer: httpx.Response) -> dict[str, Any]:
    """The parameters of an answer by name, the last of each."""
    values = {}
    for parameter in answer.json()["parameter"]:
        values[parameter["name"]] = next(v for k, v in parameter.items() if k != "name")
    return values


async def job(house: House, id: str) -> dict[str, Any]:
    answer = await house.http.get(f"$reindex?id={id}")
    assert answer.status_code == 200, answer.text
    return said(answer)


async def built(house: House, path: str = "$reindex", body: Any = None) -> dict[str, Any]:
    id = await start(house, path, body)
    assert await house.work()
    return await job(house, id)


async def waits(house: House, query: str = "by-method=a") -> str:
    """The reason why it is not answered."""
    answer = await house.http.get(f"Observation?{query}")
    assert answer.status_code == 409, answer.text
    assert answer.json()["issue"][0]["code"] == "incomplete"
    return str(answer.json()["issue"][0]["diagnostics"])


async def test_a_parameter_is_defined_built_and_used(house: House) -> None:
    await house.put(patient("p"))
    await house.put(measured("1", "a"))
    await house.put(measured("2", "b"))
    await house.put(defining())
    assert "POST one" in await waits(house)
    await house.put(measured("3", "a"))
    await waits(house)
    id = await start(house)
    assert (await job(house, id))["state"] == "waiting"
    assert await house.work()
    done = await job(house, id)
    counts = {name: done[name] for name in ("visited", "changed", "same", "skipped", "failed")}
    assert done["state"] == "done"
    assert counts == {"visited": 3, "changed": 2, "same": 1, "skipped": 0, "failed": 0}
    assert await found(house) == ["1", "3"]
    assert await found(house, "by-method=urn:m|b") == ["2"]
    assert await found(house, "by-method:missing=true") == []
    await house.put(measured("1", "b"))
    await house.put(measured("4", "a"))
    assert await found(house) == ["3", "4"]
    await house.http.delete("Observation/3")
    assert await found(house) == ["4"]
    again = await built(house, "SearchParameter/method/$reindex")
    assert (again["state"], again["visited"], again["changed"]) == ("done", 3, 0)


@pytest.mark.parametrize("query", ["_sort=by-day", "_has", "chain", "by-method:not=b", "_include"])
async def test_what_is_not_ready_is_not_answered_wherever_it_stands(
    house: House, query: str
) -> None:
    await house.put(patient("p"))
    await house.put(measured("1", "a"))
    await house.put(defining())
    await house.put(defining("day", "Observation.issued", code="by-day", type="date"))
    link = defining("link", "Observation.subject", code="by-link", type="reference")
    await house.put(link)
    path = {
        "_has": "Patient?_has:Observation:patient:by-method=a",
        "chain": "DiagnosticReport?result:Observation.by-method=a",
        "_include": "Observation?_include=Observation:by-link",
    }.get(query, f"Observation?{query}")
    assert (await house.http.get(path)).status_code == 409
    assert (await built(house))["state"] == "done"
    answer = await house.http.get(path)
    assert answer.status_code == 200, answer.text
    if query == "_has":
        assert ids(answer) == ["Patient/p"]
    if query == "_include":
        assert ids(answer, "include") == ["Patient/p"]


async def test_a_write_with_the_same_value_before_the_walk_is_found_after_it(house: House) -> None:
    """The engine writes the difference to the rows that the old version should have had."""
    await house.put(measured("1", "a"))
    await house.put(defining())
    await house.put(measured("1", "a", status="amended"))
    await built(house)
    assert await found(house) == ["1"]


async def test_a_changed_expression_finds_by_the_new_one_alone(house: House) -> None:
    body = {"bodySite": {"coding": [{"system": "urn:m", "code": "z"}]}}
    await house.put(measured("1", "a", **body))
    await house.put(defining())
    await built(house)
    assert await found(house) == ["1"]
    await house.put(defining(expression="Observation.bodySite"))
    await waits(house)
    done = await built(house)
    assert done["changed"] == 1
    assert await found(house) == []
    assert await found(house, "by-method=z") == ["1"]
    assert await _left(house, "Observation.method") == []


async def test_what_ends_is_unknown_and_leaves_nothing_behind(house: House) -> None:
    await house.put(measured("1", "a"))
    await house.put(measured("2", "a"))
    await house.put(defining())
    await built(house)
    await house.put(defining(status="retired"))
    strict = {"prefer": "handling=strict"}
    answer = await house.http.get("Observation?by-method=a", headers=strict)
    assert answer.status_code == 400
    await house.put(observation("2", "p"))
    assert await _left(house, "Observation.method") == ["1"]
    assert (await built(house))["changed"] == 1
    assert await _left(house, "Observation.method") == []
    await house.put(defining())
    await waits(house)
    await built(house)
    assert await found(house) == ["1"]


async def _left(house: House, expression: str) -> list[str]:
    """What still has rows by this expression."""
    from careplane.fhir.structs import decoder
    from careplane.search.custom import customs
    from tests.fhir_house import REGISTRY, json

    raw = json.dumps(defining(expression=expression)).encode()
    (custom,) = customs(decoder("SearchParameter").decode(raw), REGISTRY)
    page = await house.store.search(TENANT, Query(frozenset(), Present(custom.param)))
    return [version.id for version in page.versions]


async def test_processes_that_have_not_heard_of_it_write_its_rows(house: House) -> None:
    async with open_house(house.store, house.state) as other:
        await other.put(measured("1", "a"))  # so that it knows that there is no such parameter
        await house.put(defining())
        await other.put(measured("2", "a"))
        await other.http.post(
            "", content=bundle("batch", entry("POST", "Observation", measured("x", "a")))
        )
        await built(house)
        await other.put(measured("3", "a"))
        assert len(await found(house)) == 4
        assert len(await found(other)) == 4
        await house.put(defining(expression="Observation.bodySite"))
        await waits(other)
        await house.http.delete("SearchParameter/method")
        strict = {"prefer": "handling=strict"}
        answer = await other.http.get("Observation?by-method=a", headers=strict)
        assert answer.status_code == 400
        await other.put(measured("4", "a"))
        await built(other)
        assert await _left(house, "Observation.method") == []


async def test_a_job_goes_on_where_it_was_left(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindexing, "STEP", 2)
    for n in range(7):
        await house.put(measured(str(n), "a"))
    await house.put(defining())
    id = await start(house)
    for _ in range(3):
        await house.step(await house.reindexing())
    assert (await job(house, id))["visited"] == 4
    assert id in await waits(house)
    assert "4 resources" in await waits(house)
    await house.put(measured("0", "a", status="amended"))  # behind the walk
    await house.put(measured("6", "a", status="amended"))  # before it
    await house.put(measured("01", "a"))
    await house.http.delete("Observation/5")
    async with open_house(house.store, house.state) as other:
        assert await other.work()
    done = await job(house, id)
    assert done["state"] == "done"
    assert done["visited"] == done["changed"] + done["same"] + done["skipped"] + done["failed"]
    assert done["rechecked"] == 3
    assert await found(house, "by-method=a&_count=50") == ["0", "01", "1", "2", "3", "4", "6"]


async def test_of_two_that_carry_a_job_on_one_gives_up(house: House) -> None:
    await house.put(measured("1", "a"))
    await house.put(defining())
    await start(house)
    mine = await house.reindexing()
    await house.step(mine)
    await house.book.change(mine, term=await house.book.term())  # another one takes it
    with pytest.raises(Overtaken):
        await house.step(mine)


async def test_a_definition_that_comes_during_a_job_is_not_taken_for_built(house: House) -> None:
    await house.put(measured("1", "a", issued="2024-01-01T00:00:00Z"))
    await house.put(defining())
    await start(house)
    for _ in range(2):
        await house.step(await house.reindexing())
    await house.put(defining("day", "Observation.issued", code="by-day", type="date"))
    assert await house.work()
    assert await found(house) == ["1"]
    await waits(house, "by-day=2024")
    await built(house)
    assert await found(house, "by-day=2024") == ["1"]


async def test_a_resource_that_cannot_be_indexed_keeps_a_parameter_from_being_ready(
    house: House,
) -> None:
    await house.put(measured("1", "a"))
    broken = Put("Observation", "2", "PUT", b'},"status":17}', Rows(), 0, Rows())
    await house.store.commit(TENANT, Unit((broken,)))
    await house.put(defining())
    done = await built(house)
    assert (done["state"], done["failed"], done["failing"]) == ("failed", 1, "Observation")
    await waits(house)
    await house.put(measured("3", "a"))
    await house.store.commit(
        TENANT, Unit((Put("Observation", "2", "DELETE", b"", Rows(), 1, Rows()),))
    )
    assert (await built(house))["state"] == "done"
    assert await found(house) == ["1", "3"]


async def test_everything_brings_back_rows_of_r4(house: House) -> None:
    """As after an upgrade whose extractors find more."""
    await house.put(measured("1", "a"))
    row = TokenRow(Param("Observation.status"), None, "final")
    lost = Reindex("Observation", "1", 1, Rows(), Rows(tokens=[row]))
    assert await house.store.reindex(TENANT, [lost], 0) == ["changed"]
    assert await found(house, "status=final") == []
    body = {"name": "everything", "valueBoolean": True}
    done = await built(house, body={"resourceType": "Parameters", "parameter": [body]})
    assert (done["state"], done["changed"]) == ("done", 1)
    assert await found(house, "status=final") == ["1"]


async def test_a_definition_that_cannot_be_offered_is_refused_with_its_place(house: House) -> None:
    await house.put(defining("first"))
    cases: list[tuple[dict[str, Any], str]] = [
        ({"expression": "Observation.nothing"}, "SearchParameter.expression"),
        ({"expression": "Observation.method.("}, "SearchParameter.expression"),
        ({"type": "composite"}, "SearchParameter.type"),
        ({"code": "code"}, "SearchParameter.base[0]"),
        ({"code": "by-method"}, "SearchParameter.code"),
        ({"code": "a.b"}, "SearchParameter.code"),
        ({"base": ["Patient", "Resource"]}, "SearchParameter.base[1]"),
    ]
    for change, where in cases:
        wrong = defining("second", **{"code": "other", **change})
        answer = await house.http.put("SearchParameter/second", json=wrong)
        assert answer.status_code == 400, (change, answer.text)
        issues = answer.json()["issue"]
        assert [issue["expression"] for issue in issues] == [[where]], change
        report = await house.http.post("SearchParameter/$validate", json=wrong)
        assert "error" in [issue["severity"] for issue in report.json()["issue"]], change
    both = [defining("x", code="twice"), defining("y", code="twice")]
    entries = [entry("PUT", f"SearchParameter/{d['id']}", d) for d in both]
    answer = await house.http.post("", content=bundle("transaction", *entries))
    assert answer.status_code == 400
    draft = defining("second", expression="Observation.nothing", status="draft")
    await house.put(draft)
    patched = [{"op": "replace", "path": "/status", "value": "active"}]
    answer = await house.http.patch(
        "SearchParameter/second",
        json=patched,
        headers={"content-type": "application/json-patch+json"},
    )
    assert answer.status_code == 400, answer.text


async def test_only_an_administrator_starts_and_sees_jobs(house: House) -> None:
    await house.put(defining())
    id = await start(house)
    async with house.client("system/*.rs user/*.cruds") as other:
        assert (await other.post("$reindex")).status_code == 403
        assert (await other.get(f"$reindex?id={id}")).status_code == 403
    assert (await house.http.get("$reindex?id=never")).status_code == 404
    assert (await house.http.get("$reindex")).status_code == 400
    assert (await house.http.post("SearchParameter/never/$reindex")).status_code == 404
    assert (await house.http.post("$reindex?whatever=1")).status_code == 400
    records = [r for r in await house.audit() if r.interaction == "$reindex"]
    details = sorted(record.detail for record in records)
    assert details == ["", "Forbidden", "Forbidden", "NotFound", "NotFound"]


async def test_the_capability_statement_tells_of_it(house: House) -> None:
    async def listed() -> list[dict[str, Any]]:
        statement = (await house.http.get("metadata")).json()
        types = {each["type"]: each for each in statement["rest"][0]["resource"]}
        return [p for p in types["Observation"]["searchParam"] if p["name"] == "by-method"]

    assert await listed() == []
    await house.put(defining())
    (said,) = await listed()
    assert said["definition"] == "http://example.org/SearchParameter/method"
    assert said["documentation"].startswith("Not ready")
    await built(house)
    (said,) = await listed()
    assert said["documentation"] == "Looks at Observation.method"
    await house.http.delete("SearchParameter/method")
    assert await listed() == []


async def test_nothing_is_left_to_visit_where_nothing_is_defined(house: House) -> None:
    done = await built(house)
    assert (done["state"], done["visited"]) == ("done", 0)
    assert (await house.store.count(TENANT, Query(frozenset(), EVERYTHING))) == 0
