"""Full-text search over HTTP: found, limited, refused; switched on over what was there before."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from careplane.kernel.clock import system_clock
from careplane.storage.engines.memory import MemoryState
from tests.contracts.engines import ENGINES, Store
from tests.fhir_house import House, ids, observation, open_house, patient

pytestmark = pytest.mark.anyio


@pytest.fixture(params=ENGINES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    store = ENGINES[request.param](tmp_path, system_clock)
    yield store
    await store.close()


@pytest.fixture
async def reading(store: Store) -> AsyncIterator[House]:
    """A house with full-text search on."""
    async with open_house(store, full_text=True) as house:
        yield house


def told(div: str) -> dict[str, str]:
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{div}</div>'}


def report(id: str, of: str, text: str) -> dict[str, Any]:
    data = b64encode(text.encode()).decode()
    return {
        "resourceType": "DocumentReference",
        "id": id,
        "status": "current",
        "subject": {"reference": f"Patient/{of}"},
        "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
    }


async def filled(house: House) -> None:
    for resource in (
        patient("a", text=told("<p>Seen for <b>Zü</b>rich fever</p>"), active=True),
        patient("b", text=told("No fever"), active=False),
        report("d", "a", "Metastases of the liver, none in bones."),
        report("e", "b", "Liver as expected"),
        observation("o", "a", note=[{"text": "taken after a fall"}]),
    ):
        await house.put(resource)


async def found(client: httpx.AsyncClient, path: str, **params: str) -> list[str]:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return sorted(ids(answer))


async def refused(client: httpx.AsyncClient, status: int, path: str, **params: str) -> str:
    """What the OperationOutcome says."""
    answer = await client.get(path, params=params)
    assert answer.status_code == status, answer.text
    text: str = answer.json()["issue"][0]["diagnostics"]
    return text


def named(statement: dict[str, Any], type: str) -> dict[str, dict[str, Any]]:
    (rest,) = statement["rest"]
    (resource,) = [r for r in rest["resource"] if r["type"] == type]
    return {p["name"]: p for p in resource["searchParam"]}


async def test_words_are_found(reading: House) -> None:
    http = reading.http
    await filled(reading)
    assert await found(http, "Patient", _text="ZURICH") == ["Patient/a"]
    assert await found(http, "Patient", _text="fever NOT no") == ["Patient/a"]
    assert await found(http, "Patient", _text='"for zurich fev*"') == []
    assert await found(http, "DocumentReference", _text="liver") == []
    assert await found(http, "DocumentReference", _content="liv*") == [
        "DocumentReference/d",
        "DocumentReference/e",
    ]
    assert await found(http, "DocumentReference", _content="(bone* or gall) and metastases") == [
        "DocumentReference/d"
    ]
    assert await found(http, "", _content="liver,fall") == [
        "DocumentReference/d",
        "DocumentReference/e",
        "Observation/o",
    ]


async def test_words_with_all_else_that_a_search_has(reading: House) -> None:
    http = reading.http
    await filled(reading)
    assert await found(http, "Patient", _text="fever", active="false") == ["Patient/b"]
    chained = {"subject:Patient._text": "zurich", "_content": "liver"}
    assert await found(http, "DocumentReference", **chained) == ["DocumentReference/d"]
    has = {"_has:DocumentReference:patient:_content": '"as expected"'}
    assert await found(http, "Patient", **has) == ["Patient/b"]
    filter = 'active eq true and _text eq "fever AND zurich"'
    assert await found(http, "Patient", _filter=filter) == ["Patient/a"]
    answer = await http.get("Patient?_text=fever&_sort=-_id&_count=1&_total=accurate")
    assert (ids(answer), answer.json()["total"]) == (["Patient/b"], 2)
    (following,) = [link["url"] for link in answer.json()["link"] if link["relation"] == "next"]
    assert ids(await http.get(following)) == ["Patient/a"]
    posted = await http.post(
        "Patient/_search",
        content="_text=Z%C3%BCrich",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert ids(posted) == ["Patient/a"]


async def test_what_is_written_is_found_and_what_is_gone_is_not(reading: House) -> None:
    http = reading.http
    await filled(reading)
    await reading.put(patient("a", text=told("well again")))
    assert await found(http, "Patient", _text="zurich") == []
    assert await found(http, "Patient", _text="again") == ["Patient/a"]
    assert (await http.delete("Patient/a")).status_code == 204
    assert await found(http, "Patient", _text="again") == []
    once = {"resourceType": "Patient", "text": told("once")}
    for status in (201, 200):
        answer = await http.post("Patient", json=once, headers={"if-none-exist": "_text=once"})
        assert answer.status_code == status, answer.text
    assert len(await found(http, "Patient", _text="once")) == 1


async def test_a_caller_finds_what_it_may_see(reading: House) -> None:
    await filled(reading)
    async with reading.client("patient/*.rs", patient="a") as mine:
        assert await found(mine, "Patient", _text="fever") == ["Patient/a"]
        assert await found(mine, "DocumentReference", _content="liver") == ["DocumentReference/d"]
        assert await found(mine, "Patient", _text="NOT zurich") == []
        chained = {"subject:Patient._text": "no"}
        assert await found(mine, "DocumentReference", **chained) == []
    async with reading.client("system/Patient.rs?_text=zurich") as none:
        assert "not offered" in await refused(none, 501, "Patient", _text="fever")


async def test_bad_syntax_is_refused_with_its_place(reading: House) -> None:
    text = await refused(reading.http, 400, "Patient", _text="(a OR b")
    assert text == "_text: at the end: ')' is expected"
    text = await refused(reading.http, 400, "Patient", _content='a "b')
    assert text == "_content: position 3: the quotation mark is not closed"


async def test_where_it_is_off_the_answer_says_so(store: Store) -> None:
    async with open_house(store) as house:
        for handling in ("strict", "lenient"):
            answer = await house.http.get(
                "Patient?_content=a", headers={"prefer": f"handling={handling}"}
            )
            assert answer.status_code == 501
            assert "CAREPLANE_FULL_TEXT=true" in answer.text
        statement = (await house.http.get("metadata")).json()
        assert not {"_text", "_content"} & named(statement, "Patient").keys()


async def test_it_is_switched_on_over_what_is_there(store: Store) -> None:
    """And off and on again: never an answer that lacks something."""
    state = MemoryState()
    async with open_house(store, state) as plain:
        await filled(plain)
    async with open_house(store, state, full_text=True) as house:
        assert "careplane reindex" in await refused(house.http, 409, "Patient", _text="fever")
        statement = (await house.http.get("metadata")).json()
        assert "Not ready" in named(statement, "Patient")["_text"]["documentation"]
        await built(house)
        assert await found(house.http, "Patient", _text="zurich") == ["Patient/a"]
        statement = (await house.http.get("metadata")).json()
        assert named(statement, "Patient")["_content"]["type"] == "special"
        assert "Not ready" not in str(named(statement, "Patient")["_content"])
    async with open_house(store, state) as plain:
        assert (await plain.http.get("Patient/a")).status_code == 200
    async with open_house(store, state, full_text=True) as house:
        assert await found(house.http, "Patient", _text="zurich") == ["Patient/a"]
    async with open_house(store, state) as plain:
        await plain.put(patient("a", text=told("changed meanwhile")))
    async with open_house(store, state, full_text=True) as house:
        await refused(house.http, 409, "Patient", _text="fever")
        await built(house)
        assert await found(house.http, "Patient", _text="zurich") == []
        assert await found(house.http, "Patient", _text="meanwhile") == ["Patient/a"]


async def built(house: House) -> None:
    wanted = {"name": "everything", "valueBoolean": True}
    answer = await house.http.post(
        "$reindex", json={"resourceType": "Parameters", "parameter": [wanted]}
    )
    assert answer.status_code == 202, answer.text
    assert await house.work()


async def test_a_store_that_is_empty_is_ready_at_once(reading: House) -> None:
    assert await found(reading.http, "Patient", _text="a") == []
    await filled(reading)
    assert await found(reading.http, "Patient", _text="zurich") == ["Patient/a"]
