"""`Patient/[id]/$erase`: what is gone, what is left in the files, who may, and that no copy from
before brings it back."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from careplane.app import keys
from careplane.app.build import TENANT, build
from careplane.app.reapplying import reapplied
from careplane.app.settings import Settings
from careplane.kernel.errors import Busy
from careplane.ledger.audit import decode
from careplane.records.account import Account
from careplane.records.parts import Parts
from careplane.records.purge import remove
from careplane.records.results import Purged
from careplane.search.compartments import _members
from careplane.storage.engines.sqlite.connection import connect, key_for
from careplane.storage.keys.erasures import NAME
from careplane.storage.ports.records import Tenant
from tests.bulk_house import BulkHouse, open_bulk_house
from tests.fhir_house import ids, observation, patient
from tests.journeys.test_command_line import careplane
from tests.keys_house import as_before

pytestmark = pytest.mark.anyio
SCOPES = "system/*.cruds system/Patient.purge"
MARKS = ("Zwetschgenmus", "Quittengelee", "Holunderblatt")
PURPOSES = {"records": "records", "state": "state", "keys": "keys", "audit": "audit"}


@pytest.fixture
async def house(tmp_path: Path, database: str) -> AsyncIterator[BulkHouse]:
    async with open_bulk_house(tmp_path / "data", database=database) as house:
        yield house


async def record(house: BulkHouse) -> None:
    """A patient with a history and marks in name, value and note; and another one."""
    await house.put(
        patient("p", name=[{"family": MARKS[0]}]),
        patient("p", name=[{"family": MARKS[0]}], active=True),
        observation("mine", "p", valueString=MARKS[1], note=[{"text": MARKS[2]}]),
        observation("gone", "p", valueString=MARKS[1]),
        patient("q", name=[{"family": "Other"}]),
        observation("theirs", "q"),
    )
    assert (await house.http.delete("Observation/gone")).status_code in (200, 204)


async def erase(house: BulkHouse, id: str = "p") -> httpx.Response:
    async with house.client(SCOPES) as client:
        answer: httpx.Response = await client.post(f"Patient/{id}/$erase")
    return answer


def told(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {
        p["name"]: p.get("valueInteger", p.get("valueCode")) for p in answer.json()["parameter"]
    }


async def test_a_record_is_destroyed_and_others_stay(house: BulkHouse) -> None:
    await record(house)
    answer = told(await erase(house))
    assert (answer["resources"], answer["versions"]) == (3, 5)
    assert (answer["keys"], answer["ledger"]) == (1, "erased")
    for path in ("Patient/p", "Patient/p/_history/1", "Patient/p/_history", "Observation/mine",
                 "Observation/gone/_history/1"):  # fmt: skip
        assert (await house.http.get(path)).status_code == 404, path
    assert ids(await house.http.get(f"Patient?family={MARKS[0]}")) == []
    assert ids(await house.http.get("Observation")) == ["Observation/theirs"]
    assert (await house.http.get("Patient/q")).status_code == 200
    trail = [decode(r) for _, r in await house.here.store.tail(TENANT, 0, 10_000)]
    mine = [r for r in trail if r.interaction == "$erase"]
    assert mine[-1].query == "Patient/p/$erase"
    assert all(r.patients == ("p",) and r.agent == "client/other" for r in mine)
    assert (await erase(house)).status_code == 404


def contents(data: Path) -> bytes:
    """Everything that stands in the folder, for who has the root key: all values of all tables, and
    what is in the WALs and in other files as it is."""
    root = keys.load(data).derive("store")
    found = []
    for path in data.rglob("*"):
        if path.suffix == ".sqlite" and path.stem in PURPOSES:
            connection = connect(path, key_for(PURPOSES[path.stem], root))
            tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            for (table,) in tables.fetchall():
                found += [
                    repr(row).encode() for row in connection.execute(f"SELECT * FROM {table}")
                ]
            connection.close()
        elif path.is_file():
            found.append(path.read_bytes())
    return b"\n".join(found)


async def test_nothing_of_it_is_left_in_the_files(tmp_path: Path) -> None:
    """Of SQLite, with full text, outputs of exports and answers that were kept."""
    data = tmp_path / "data"
    async with open_bulk_house(data, full_text=True) as house:
        await record(house)
        await house.export("Patient/$export", headers={"prefer": "respond-async"})
        later = await house.http.get(
            "Observation?subject=Patient/p", headers={"prefer": "respond-async"}
        )
        await house.done(later)
        raw = contents(data)
        assert all(mark.encode() in raw for mark in MARKS[:1])
        assert list((data / "bulk").rglob("*-*"))
        answer = told(await erase(house))
        assert answer["outputs"] == 2
        assert not [path for path in (data / "bulk").rglob("*") if path.is_file()]
        assert (data / "records.sqlite-wal").stat().st_size == 0
        assert (data / "keys.sqlite-wal").stat().st_size == 0
        assert (data / "state.sqlite-wal").stat().st_size == 0
        for mark in MARKS:
            assert mark.encode() not in contents(data)
            assert mark.casefold().encode() not in contents(data)


@pytest.mark.parametrize(
    ("scopes", "method", "address", "status"),
    [
        ("system/*.cruds", "POST", "Patient/p/$erase", 403),
        ("system/Observation.purge", "POST", "Patient/p/$erase", 403),
        ("system/Patient.purge?active=false", "POST", "Patient/p/$erase", 404),
        (SCOPES, "GET", "Patient/p/$erase", 405),
        (SCOPES, "POST", "Patient/none/$erase", 404),
        (SCOPES, "POST", "Observation/mine/$erase", 404),
        (SCOPES, "POST", "Patient/p/$erase?force=true", 400),
    ],
)
async def test_who_may_and_how(
    tmp_path: Path, scopes: str, method: str, address: str, status: int
) -> None:
    async with open_bulk_house(tmp_path / "data") as house:
        await record(house)
        async with house.client(scopes) as client:
            answer = await client.request(method, address)
        assert answer.status_code == status, answer.text
        assert (await house.http.get("Patient/p")).status_code == 200


async def test_what_was_interrupted_is_asked_again(house: BulkHouse) -> None:
    await record(house)

    async def broken(tenant: Tenant, patient: str) -> int:
        raise Busy("not now")

    whole = house.here.erasing
    house.here.door._erasing = replace(whole, discard=broken)
    assert (await erase(house)).status_code == 503
    assert (await house.http.get("Patient/p")).status_code == 404
    house.here.door._erasing = whole
    assert told(await erase(house))["keys"] == 1
    assert (await erase(house)).status_code == 404


async def test_what_is_sealed_meanwhile_goes_too(
    house: BulkHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or bodies under the new key would be left in old pages."""
    came: list[str] = []

    async def late(parts: Parts, account: Account, id: str) -> Purged:
        purged = await remove(parts, account, id)
        if not came:
            came.append(id)
            await house.put(observation("late", id))
        return purged

    await record(house)
    monkeypatch.setattr("careplane.records.erase.remove", late)
    assert told(await erase(house))["keys"] == 2
    assert came == ["p"]
    assert (await house.http.get("Observation/late")).status_code == 404
    assert (await house.here.store.keeper.census(TENANT)).superseded == 0


async def test_an_erased_patient_comes_anew(house: BulkHouse) -> None:
    await record(house)
    told(await erase(house))
    await house.put(patient("p", name=[{"family": "New"}]))
    assert (await house.http.get("Patient/p")).headers["etag"] == 'W/"1"'
    assert await reapplied(Settings(data=house.data), wholly=True) == 0
    assert (await house.http.get("Patient/p")).status_code == 200


async def test_an_older_backup_does_not_bring_it_back(tmp_path: Path) -> None:
    data, saved, new = (tmp_path / name for name in ("data", "saved", "new"))
    async with open_bulk_house(data) as house:
        await record(house)
    careplane("backup", str(saved), "--data", str(data))
    assert not (saved / NAME).exists()
    async with open_bulk_house(data) as house:
        told(await erase(house))
    key = str(data / keys.NAME)
    said = careplane("restore", str(saved), "--key", key, "--data", str(new))
    assert "1 patients who were erased" in said
    for mark in MARKS:
        assert mark.encode() not in contents(new)
    async with open_bulk_house(new) as house:
        assert (await house.http.get("Patient/p")).status_code == 404
        assert ids(await house.http.get(f"Patient?family={MARKS[0]}")) == []
        assert (await house.http.get("Patient/q")).status_code == 200
        assert not await house.here.store.keeper.pending()


async def test_without_the_list_a_restore_says_so(tmp_path: Path) -> None:
    data, saved = tmp_path / "data", tmp_path / "saved"
    async with open_bulk_house(data) as house:
        await record(house)
    careplane("backup", str(saved), "--with-key", "--data", str(data))
    said = careplane("restore", str(saved), "--data", str(tmp_path / "new"))
    assert "is here again" in said


async def test_old_files_put_back_are_erased_before_they_are_served(tmp_path: Path) -> None:
    data, old = tmp_path / "data", tmp_path / "old"
    async with open_bulk_house(data) as house:
        await record(house)
    shutil.copytree(data, old)
    async with open_bulk_house(data) as house:
        told(await erase(house))
    for name in ("records.sqlite", "keys.sqlite"):
        shutil.copy(old / name, data / name)
    async with open_bulk_house(data) as house:
        answer = await house.http.get("Patient/p")
        assert answer.status_code == 500
        assert MARKS[0] not in answer.text
        assert "destroyed" in answer.json()["issue"][0]["diagnostics"]
    assert await reapplied(Settings(data=data)) == 1
    assert await reapplied(Settings(data=data)) == 0
    async with open_bulk_house(data) as house:
        assert (await house.http.get("Patient/p")).status_code == 404
        assert (await house.http.get("Patient/q")).status_code == 200


async def test_a_backup_from_before_encryption_does_not_bring_it_back(tmp_path: Path) -> None:
    """Its patient has no key: the list knows the owner."""
    data, old = tmp_path / "data", tmp_path / "old"
    async with open_bulk_house(data) as house:
        await record(house)
        versions = await house.here.store.changes(TENANT, 0)
    shutil.copytree(data, old)
    as_before(old, versions)
    async with open_bulk_house(data) as house:
        told(await erase(house))
    shutil.copy(data / NAME, old / NAME)
    assert await reapplied(Settings(data=old), wholly=True) == 1
    here = build(Settings(data=old))
    assert await here.store.read(TENANT, "Patient", "p") is None
    assert await here.store.read(TENANT, "Patient", "q") is not None
    await here.close()
    assert json.dumps(MARKS[0]).encode() not in contents(old)


def device(id: str, of: str | None, **more: Any) -> dict[str, Any]:
    named = {} if of is None else {"patient": {"reference": f"Patient/{of}"}}
    return {"resourceType": "Device", "id": id, **named, **more}


@contextmanager
def before_devices_were_in_the_compartment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As the version was that took no Device for a part of a patient's record."""
    with monkeypatch.context() as then:
        then.setattr("careplane.fhir.definitions.compartments._ALSO", {})
        _members.cache_clear()
        yield
    _members.cache_clear()


async def test_devices_go_that_were_stored_before_they_were_part_of_the_record(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    serial = {"serialNumber": MARKS[2]}
    with before_devices_were_in_the_compartment(monkeypatch):
        async with open_bulk_house(tmp_path / "data", database=database) as house:
            await record(house)
            await house.put(
                device("pump", "p", **serial), device("pump", "p", lotNumber="2", **serial),
                device("dropped", "p", **serial), device("lent", "p", **serial),
                device("lent", "q"), device("theirs", "q"), device("shelf", None),
            )  # fmt: skip
            assert (await house.http.delete("Device/dropped")).status_code == 204
            inside = ids(await house.http.get("Patient/p/$everything"))
            assert "Device/pump" not in inside
    async with open_bulk_house(tmp_path / "data", database=database) as house:
        assert "Device/pump" in ids(await house.http.get("Patient/p/$everything"))
        answer = told(await erase(house))
        assert (answer["resources"], answer["versions"]) == (5, 10)
        for path in ("Device/pump", "Device/pump/_history/1", "Device/pump/_history",
                     "Device/dropped/_history/1", "Device/lent/_history/1"):  # fmt: skip
            assert (await house.http.get(path)).status_code == 404, path
        assert set(ids(await house.http.get("Device"))) == {
            "Device/lent", "Device/theirs", "Device/shelf",
        }  # fmt: skip
        assert MARKS[2] not in (await house.http.get("_history?_count=1000")).text
        census = await house.here.store.keeper.census(TENANT)
        assert census.superseded == 0
    if not database:
        assert MARKS[2].encode() not in contents(tmp_path / "data")


async def test_what_stays_can_be_read(house: BulkHouse) -> None:
    """It is in no patient's compartment, and its body was under the key of the one it names."""
    await record(house)
    attested = {"resourceType": "VerificationResult", "id": "t", "status": "attested",
                "target": [{"reference": "Patient/p"}]}  # fmt: skip
    await house.put(attested, {**attested, "status": "validated"})
    answer = await erase(house)
    left = [p["valueReference"]["reference"] for p in answer.json()["parameter"]
            if p["name"] == "left"]  # fmt: skip
    assert left == ["VerificationResult/t"]
    assert (await house.http.get("VerificationResult/t")).json()["status"] == "validated"
    assert (await house.http.get("VerificationResult/t/_history/1")).json()["status"] == "attested"
    assert ids(await house.http.get("VerificationResult")) == ["VerificationResult/t"]
    assert (await house.http.get("_history?_count=1000")).status_code == 200
    assert (await erase(house)).status_code == 404
    assert told(await erase(house, "q"))["resources"] == 2


async def test_a_reference_written_with_escapes_is_found(house: BulkHouse) -> None:
    """They stand in the bytes as they were sent."""
    await record(house)
    text = json.dumps(observation("sly", "p", valueString=MARKS[1]))
    raw = text.replace("Patient/p", "Patient/\\u0070").encode()
    assert (await house.http.put("Observation/sly", content=raw)).status_code == 201
    assert told(await erase(house))["resources"] == 4
    assert (await house.http.get("Observation/sly/_history/1")).status_code == 404
