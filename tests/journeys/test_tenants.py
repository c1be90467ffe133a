"""An institution from the command that adds it to the one that erases it, on each kind of store;
and a server of two processes that hears of it while it runs."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from careplane.app import keys
from careplane.app.cli import app
from careplane.kernel.errors import CareplaneError
from careplane.records import commands as c
from tests.fhir_house import observation, patient
from tests.tenant_house import MARK, ORIGIN, SOUTH_HOST, open_tenant_house, put
from tools.bench import server

pytestmark = pytest.mark.anyio


def _careplane(data: Path, database: str, *words: str) -> Any:
    """One command, in this process."""
    env = {"CAREPLANE_DATA": str(data), "CAREPLANE_DATABASE": database}
    done = CliRunner().invoke(app, [*words, "--json"], env=env, catch_exceptions=False)
    return json.loads(done.stdout)


def _token(data: Path, database: str, tenant: str = "") -> str:
    named = ("--tenant", tenant) if tenant else ()
    words = ("token", "--scope", "system/*.cruds", *named)
    return str(_careplane(data, database, *words)["access_token"])


def test_an_institution_comes_and_goes_while_a_server_runs(tmp_path: Path, database: str) -> None:
    data = tmp_path / "data"
    keys.create(data)
    with (
        server.serving(data, 2, {"CAREPLANE_DATABASE": database}) as running,
        httpx.Client() as http,
    ):
        origin = running.base.partition("/fhir")[0]
        south = f"{origin}/t/south/fhir"
        assert http.get(f"{south}/metadata").status_code == 404
        made = _careplane(data, database, "tenant", "add", "south", "--title", "South Hospital")
        assert (made["number"], made["address"]) == (2, "/t/south/fhir")
        _until(lambda: _is_served(south))
        headers = {"authorization": f"Bearer {_token(data, database, 'south')}"}
        body = patient("p", name=[{"family": MARK}])
        assert http.put(f"{south}/Patient/p", json=body, headers=headers).status_code == 201
        for _ in range(10):  # by either process
            with httpx.Client(headers=headers) as one:
                assert MARK in one.get(f"{south}/Patient/p").text
                assert one.get(f"{origin}/fhir/Patient/p").status_code == 401
        renamed = _careplane(data, database, "tenant", "rename", "south", "north")
        assert renamed["number"] == 2
        _until(lambda: _is_served(f"{origin}/t/north/fhir") and not _is_served(south))
        _careplane(data, database, "tenant", "disable", "north")
        _until(lambda: not _is_served(f"{origin}/t/north/fhir"))
    costs = {one["tenant"]: one for one in _careplane(data, database, "tenant", "costs")}
    assert costs["north"]["resources"] == costs["north"]["versions"] == 1
    assert costs["north"]["body_bytes"] > 0
    assert costs["north"]["row_bytes"] > 0
    assert costs["north"]["requests"] >= 11, "noted by either process, at the latest when it ends"
    assert costs["default"]["resources"] == 0


def _is_served(base: str) -> bool:
    """By either process: each connection may reach another one."""
    found = [httpx.get(f"{base}/metadata", verify=False).status_code for _ in range(6)]
    return found == [200] * 6


def _until(check: Any) -> None:
    end = time.monotonic() + 10
    while not check():
        assert time.monotonic() < end, "nobody hears of it"
        time.sleep(0.2)


def test_institutions_agree_to_exchange_referrals(tmp_path: Path, database: str) -> None:
    data = tmp_path / "data"
    keys.create(data)
    _careplane(data, database, "tenant", "add", "south", "--title", "South Hospital")
    for one, other, number in (("south", "default", 1), ("default", "south", 2)):
        found = _careplane(data, database, "tenant", "exchange", one, other)
        assert found["exchanges"] == [number]
    env = {"CAREPLANE_DATA": str(data), "CAREPLANE_DATABASE": database}

    def stands() -> Any:
        words = ["fhir", "get", "Organization/institution-south"]
        return json.loads(CliRunner().invoke(app, words, env=env).stdout)

    assert stands()["name"] == "South Hospital"
    ended = _careplane(data, database, "tenant", "exchange", "default", "south", "--end")
    assert ended["exchanges"] == []
    assert stands()["active"] is False
    assert "name two" in _refused(data, database, "tenant", "exchange", "south", "south")
    assert "no institution" in _refused(data, database, "tenant", "exchange", "south", "nobody")


def test_the_commands_of_an_institution(tmp_path: Path, database: str) -> None:
    data = tmp_path / "data"
    keys.create(data)
    _careplane(data, database, "tenant", "add", "south")
    lines = [json.dumps(patient(id, name=[{"family": MARK}])) for id in ("p", "q")]
    (tmp_path / "in.ndjson").write_text("\n".join(lines))
    for tenant in ("default", "south", "south"):
        words = ("import", str(tmp_path / "in.ndjson"), "--tenant", tenant)
        report = _careplane(data, database, *words)
        assert report["failures"] == []
    assert report["known"] == {"Patient": 2}
    env = {"CAREPLANE_DATA": str(data), "CAREPLANE_DATABASE": database}
    words = ("fhir", "delete", "Patient/q", "--tenant", "south")
    assert CliRunner().invoke(app, words, env=env).exit_code == 0
    for tenant, count in (("default", 2), ("south", 1)):
        out = tmp_path / tenant
        words = ("export", str(out), "--tenant", tenant)
        assert _careplane(data, database, *words)["counts"] == {"Patient": count}
        assert len((out / "Patient.ndjson").read_text().splitlines()) == count
    words = ("client", "add", "Lab", "--scope", "system/*.rs", "--tenant", "south")
    assert _careplane(data, database, *words)["tenant"] == 2
    assert _refused(data, database, "tenant", "remove", "south").endswith("first.")
    _careplane(data, database, "tenant", "disable", "south")
    assert "--erase" in _refused(data, database, "tenant", "remove", "south")
    gone = _careplane(data, database, "tenant", "remove", "south", "--erase")
    assert gone["erased"] == 2
    assert [one["name"] for one in _careplane(data, database, "tenant", "list")] == ["default"]
    assert "no institution" in _refused(data, database, "export", "x", "--tenant", "south")
    words = ("export", str(tmp_path / "again"))
    assert _careplane(data, database, *words)["counts"] == {"Patient": 2}


def _refused(data: Path, database: str, *words: str) -> str:
    with pytest.raises(CareplaneError) as refused:
        _careplane(data, database, *words)
    return refused.value.text


async def test_side_by_side_with_the_same_ids(tmp_path: Path, database: str) -> None:
    """The same requests to both have the same answers, but for addresses and times."""
    async with open_tenant_house(tmp_path / "data", database=database, filled=False) as house:
        asked = (
            "Patient/p", "Patient/p/_history", "Patient?family=Same", "Observation?patient=p",
            "Observation?_sort=-date&_count=1", "Patient/p/$everything", "Observation/o/_history/2",
            "Patient?_has:Observation:patient:code=8302-2&_revinclude=Observation:patient",
        )  # fmt: skip
        told: dict[str, list[list[str]]] = {}
        for name, http in (("north", house.north), ("south", house.south)):
            await put(http, patient("p", name=[{"family": "Same"}]))
            for day in ("2024-01-01", "2024-01-02"):
                await put(http, observation("o", "p", effectiveDateTime=day))
            await put(http, observation("o2", "p", effectiveDateTime="2024-02-01"))
            told[name] = [_ids((await http.get(url)).json()) for url in asked]
        assert told["north"] == told["south"]
        assert all(told["north"])
        assert (await house.south.delete("Patient/p")).status_code == 204
        assert (await house.north.get("Patient/p")).status_code == 200


def _ids(answer: dict[str, Any]) -> list[str]:
    found = [one.get("resource", {}) for one in answer.get("entry", [{"resource": answer}])]
    return [f"{r['resourceType']}/{r['id']}/{r['meta']['versionId']}" for r in found if r]


async def test_quotas_answer_clearly(tmp_path: Path, database: str) -> None:
    async with open_tenant_house(tmp_path / "data", database=database, filled=False) as house:
        register, known = house.here.tenancy.register, house.here.tenancy.known
        await register.change("north", lambda one: replace(one, most_resources=2))
        await known.look()
        await put(house.north, patient("a"), patient("b"))
        end = time.monotonic() + 10
        for n in itertools.count():  # what is written within a second is not counted
            made = patient("c", multipleBirthInteger=n)
            answer = await house.north.put("Patient/c", json=made)
            if answer.status_code == 507 or time.monotonic() > end:
                break
            await asyncio.sleep(0.02)
        assert answer.status_code == 507
        assert answer.json()["issue"][0]["code"] == "too-costly"
        assert "may store 2 resources" in answer.text
        assert (await house.north.get("Patient/a")).status_code == 200
        await put(house.south, patient("a"), patient("b"), patient("c"))
        await register.change("south", lambda one: replace(one, most_requests=0.01))
        await known.look()
        codes = [(await house.south.get("Patient/a")).status_code for _ in range(5)]
        assert codes == [200, 429, 429, 429, 429]
        answer = await house.south.get("Patient/a")
        assert "come again in" in answer.text
        assert int(answer.headers["retry-after"]) > 0
        async with house.at(f"http://{SOUTH_HOST}/fhir/", house.token("south")) as http:
            assert (await http.get("Patient/a")).status_code == 429, "by whatever address"
        assert (await house.north.get("Patient/a")).status_code == 200


async def test_absolute_references_to_ones_own_address_are_ones_own(
    tmp_path: Path, database: str
) -> None:
    async with open_tenant_house(tmp_path / "data", database=database, filled=False) as house:
        own = f"{ORIGIN}/t/north/fhir/Patient/p"
        for http in (house.north, house.south):
            await put(http, patient("p"), observation("o", "p"))

        async def found(http: httpx.AsyncClient) -> int:
            return len((await http.get(f"Observation?patient={own}")).json().get("entry", ()))

        assert await found(house.north) == 1
        assert await found(house.south) == 0


async def test_an_erased_institution_leaves_its_neighbours(tmp_path: Path, database: str) -> None:
    async with open_tenant_house(tmp_path / "data", database=database) as house:
        here, tenant = house.here, house.institutions["south"].tenant
        operator = await here.operator_of("south")
        before = (await house.north.get("_history")).json()["entry"]
        assert await here.door.empty(operator, c.Empty()) == 5
        assert await here.store.changes(tenant, 0, 10) == []
        assert await here.store.counts(tenant) == {} or not sum(
            (await here.store.counts(tenant)).values()
        )
        assert MARK not in (await house.south.get("_history")).text
        assert (
            MARK not in (await house.south.get(f"Patient?family={MARK}")).text.partition("link")[0]
        )
        assert (await house.north.get("_history")).json()["entry"] == before
        assert [r.interaction for r in await house.audit("south")].count("$empty") >= 1
