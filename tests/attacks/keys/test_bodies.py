"""Somebody who may write to the database, and has no key: what they put there is not served."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from careplane.app import keys
from careplane.app.keys.providers.port import Unavailable
from careplane.kernel.errors import Fault, NotFound
from careplane.search.plan import Query
from careplane.storage.engines import postgres, sqlite
from careplane.storage.ports.engine import Engine
from careplane.storage.ports.records import HistoryQuery, Tenant, Unit
from tests.contracts import material as m
from tests.contracts.conftest import Hands
from tests.keys_house import Installation

pytestmark = pytest.mark.anyio
ONE, TWO = Tenant(1), Tenant(2)
NOT_OURS = "not the one that was written"
HIS, HERS = b'{"text":"his secret, long enough"}' * 4, b'{"text":"her secret, long enough"}' * 4


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["sqlite", "postgres"])
def installed(request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    return Installation(request.param, tmp_path)


@pytest.fixture
async def store(installed: Installation) -> AsyncIterator[Engine]:
    """Two patients, one of them twice; and a patient of the same id in another tenant."""
    store = installed.open()
    await store.commit(ONE, Unit((m.put("Patient", "him", rest=HIS),)))
    await store.commit(ONE, Unit((m.put("Patient", "her", rest=HERS),)))
    await store.commit(ONE, Unit((m.put("Patient", "him", rest=HERS, expect=1),)))
    await store.commit(TWO, Unit((m.put("Patient", "him", rest=HERS),)))
    yield store
    await store.close()


def sql(value: bytes, form: int, where: str) -> tuple[str, str]:
    lite = f"UPDATE version SET form = {form}, body = x'{value.hex()}' WHERE {where}"
    theirs = f"UPDATE version SET form = {form}, body = '\\x{value.hex()}' WHERE {where}"
    return lite, theirs


async def refused(store: Engine, id: str, version: int, words: str) -> None:
    """On every way to the body, with nothing of a record in the message."""
    ways = [store.vread(ONE, "Patient", id, version), store.changes(ONE, 0),
            store.history(ONE, HistoryQuery(frozenset({"Patient"})))]  # fmt: skip
    now = await store.counts(ONE)
    assert now == {"Patient": 2}
    for way in ways:
        with pytest.raises(Fault, match=words) as caught:
            await way
        assert "secret" not in caught.value.text


async def test_bodies_of_two_patients_are_swapped(store: Engine, installed: Installation) -> None:
    him, her, *_ = await installed.bodies()
    await installed.execute(*sql(her[1], her[0], "t = 1"))
    await installed.execute(*sql(him[1], him[0], "t = 2"))
    await refused(store, "him", 1, NOT_OURS)
    with pytest.raises(Fault, match=NOT_OURS):
        await store.read(ONE, "Patient", "her")
    with pytest.raises(Fault, match=NOT_OURS):
        await store.search(ONE, Query(frozenset({"Patient"})))


async def test_a_body_is_rolled_back(store: Engine, installed: Installation) -> None:
    old = (await installed.bodies())[0]
    await installed.execute(*sql(old[1], old[0], "t = 3"))
    await refused(store, "him", 2, NOT_OURS)
    with pytest.raises(Fault, match=NOT_OURS):
        await store.read(ONE, "Patient", "him")


async def test_a_body_comes_from_another_tenant(store: Engine, installed: Installation) -> None:
    foreign = (await installed.execute("SELECT form, body FROM version WHERE tenant = 2"))[0]
    await installed.execute(*sql(bytes(foreign[1]), foreign[0], "tenant = 1 AND t = 3"))
    with pytest.raises(Fault, match=f"{NOT_OURS}|is missing"):
        await store.read(ONE, "Patient", "him")


async def test_a_body_is_put_there_in_clear(store: Engine, installed: Installation) -> None:
    await installed.execute(*sql(b'{"active":true}', 1, "tenant = 1 AND t = 3"))
    await refused(store, "him", 2, "not encrypted")


async def test_the_permit_to_read_in_clear_is_forged(
    store: Engine, installed: Installation
) -> None:
    await installed.execute(*sql(b'{"active":true}', 1, "tenant = 1 AND t = 3"))
    name = "key_permit" if installed.kind == "postgres" else "permit"
    await installed.execute(
        f"INSERT INTO {name} SELECT 'plain bodies', x'00' FROM change WHERE EXISTS "
        "(SELECT 1 FROM key)",
        f"INSERT INTO {name} VALUES ('plain bodies', '\\x00')",
    )
    other = installed.open()
    await refused(other, "him", 2, "not encrypted")
    await other.close()


async def test_a_deletion_is_made_of_a_version(store: Engine, installed: Installation) -> None:
    form, body = (await installed.bodies())[2]
    await installed.execute(*sql(body, form + 1, "tenant = 1 AND t = 3"))
    await refused(store, "him", 2, NOT_OURS)


async def test_keys_of_two_patients_are_exchanged(installed: Installation) -> None:
    first = installed.open()
    await first.commit(ONE, Unit((m.put("Patient", "him", rest=HIS),)))
    await first.commit(ONE, Unit((m.put("Patient", "her", rest=HERS),)))
    await first.close()
    rows = await installed.execute("SELECT number, owner, wrapped FROM key WHERE length(owner) > 0")
    (him, _, his), (her, _, hers) = [(bytes(n), o, bytes(w)) for n, o, w in rows]
    for number, wrapped in ((him, hers), (her, his)):
        await installed.execute(
            f"UPDATE key SET wrapped = x'{wrapped.hex()}' WHERE number = x'{number.hex()}'",
            f"UPDATE key SET wrapped = '\\x{wrapped.hex()}' WHERE number = '\\x{number.hex()}'",
        )
    other = installed.open()
    for id in ("him", "her"):
        with pytest.raises(Fault, match="table of keys"):
            await other.read(ONE, "Patient", id)
    with pytest.raises(Fault, match="table of keys"):
        await other.commit(ONE, Unit((m.put("Patient", "him", rest=HIS, expect=1),)))
    await other.close()


async def test_a_patient_is_given_the_key_of_another(installed: Installation) -> None:
    """So that what is written from now on would go, or stay, with the other."""
    first = installed.open()
    await first.commit(ONE, Unit((m.put("Patient", "him", rest=HIS),)))
    await first.commit(ONE, Unit((m.put("Patient", "her", rest=HERS),)))
    await first.close()
    rows = await installed.execute("SELECT number, owner FROM key WHERE length(owner) > 0")
    (him, his), (her, hers) = [(bytes(n), bytes(o)) for n, o in rows]
    moves = ((him, his, b"none"), (her, hers, his), (him, b"none", hers))
    for number, _, owner in moves:
        await installed.execute(
            f"UPDATE key SET owner = x'{owner.hex()}' WHERE number = x'{number.hex()}'",
            f"UPDATE key SET owner = '\\x{owner.hex()}' WHERE number = '\\x{number.hex()}'",
        )
    other = installed.open()
    with pytest.raises(Fault, match="table of keys"):
        await other.commit(ONE, Unit((m.put("Patient", "him", rest=HIS, expect=1),)))
    await other.close()


async def test_old_rows_of_an_erased_patient_are_put_back(installed: Installation) -> None:
    """Body and key from a copy of before: the list of erasures knows them."""
    store = installed.open()
    await store.commit(ONE, Unit((m.put("Patient", "him", rest=HIS),)))
    rows = await installed.execute("SELECT number, wrapped FROM key WHERE length(owner) > 0")
    await store.keeper.supersede(ONE, "him")
    await store.keeper.shred(ONE, "him")
    for number, wrapped in [(bytes(n), bytes(w)) for n, w in rows]:
        await installed.execute(
            f"UPDATE key SET wrapped = x'{wrapped.hex()}', current = 1 "
            f"WHERE number = x'{number.hex()}'",
            f"UPDATE key SET wrapped = '\\x{wrapped.hex()}', current = true "
            f"WHERE number = '\\x{number.hex()}'",
        )
    await store.close()
    other = installed.open()
    with pytest.raises(Fault, match="destroyed"):
        await other.read(ONE, "Patient", "him")
    assert await other.keeper.pending()
    await other.close()


async def test_another_root_key_opens_nothing(store: Engine, installed: Installation) -> None:
    if installed.kind == "postgres":
        other: Engine = postgres.open(installed.url, bytes(32), Hands())
        with pytest.raises(Fault, match="key"):
            await other.read(ONE, "Patient", "him")
        await other.close()
        return
    with pytest.raises(Fault, match="key"):
        sqlite.open(installed.folder, bytes(32), Hands())


async def test_another_root_opens_no_body_even_past_the_engines_lock(
    store: Engine, installed: Installation
) -> None:
    """Who has stored another mark, or decrypted the file, still has no key of a body."""
    if installed.kind != "postgres":
        pytest.skip("the file of keys does not open at all: see the test before")
    mark = postgres.mark_of(bytes(32)).hex()
    await installed.execute("", f"UPDATE installation SET mark = '\\x{mark}'")
    other = postgres.open(installed.url, bytes(32), Hands())
    bodies = await installed.execute("SELECT ident FROM version WHERE t = 3 AND tenant = 1")
    assert bodies
    with pytest.raises(Fault, match="another key file"):
        await other.changes(ONE, 0)
    await other.close()


@pytest.mark.parametrize("length", [0, 1, 32, 63])
def test_a_truncated_key_file_says_what_to_do(tmp_path: Path, length: int) -> None:
    keys.create(tmp_path)
    path = tmp_path / keys.NAME
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(NotFound, match="backup"):
        keys.load(tmp_path)


@pytest.mark.parametrize("length", [20, 100, 160])
def test_a_truncated_wrapped_key_file_says_what_to_do(
    tmp_path: Path, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAREPLANE_KEY_PASSPHRASE", "correct horse battery")
    keys.create(tmp_path, "passphrase:")
    path = tmp_path / keys.NAME
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises((NotFound, Unavailable), match="backup"):
        keys.load(tmp_path)
