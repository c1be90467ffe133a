"""Keys of bodies over every engine that keeps them: what is under which key, and what is left when
keys are superseded, destroyed or come back."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from careplane.kernel.errors import Fault
from careplane.search.rows import ReferenceRow, Rows
from careplane.storage.engines import sqlite
from careplane.storage.keys.bodies import SEALED
from careplane.storage.keys.erasures import NAME
from careplane.storage.ports.engine import Engine
from careplane.storage.ports.keys import COMMON, Reseal
from careplane.storage.ports.records import Erased, Erasure, Tenant, Unit
from tests.contracts import material as m
from tests.contracts.conftest import Hands
from tests.keys_house import KEY, Installation

pytestmark = pytest.mark.anyio
ONE, TWO = Tenant(1), Tenant(2)
MINE = Rows(references=[ReferenceRow(m.SUBJECT, "Patient", "p")])
BODY = b'{"text":"' + b"secret" * 20 + b'"}'


@pytest.fixture(params=["sqlite", "postgres"])
def installed(request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    return Installation(request.param, tmp_path)


@pytest.fixture
async def store(installed: Installation) -> AsyncIterator[Engine]:
    store = installed.open()
    yield store
    await store.close()


async def write(store: Engine, *puts: m.Put, tenant: Tenant = ONE) -> None:
    await store.commit(tenant, Unit(puts))


def number(body: tuple[int, bytes]) -> bytes:
    assert body[0] >> 2 >= SEALED
    return body[1][:8]


async def test_each_body_is_under_its_patients_key(store: Engine, installed: Installation) -> None:
    await write(store, m.put("Patient", "p", rest=BODY), m.put("Observation", "o", MINE))
    await write(store, m.put("Patient", "q", rest=BODY), m.put("Group", "g"), m.put("Group", "h"))
    await write(store, m.put("Patient", "p", rest=BODY), tenant=TWO)
    await write(store, m.deletion("Observation", "o", expect=1))
    bodies = await installed.bodies()
    patient, mine, other, common, again, deleted, foreign = map(number, bodies)
    assert patient == mine
    assert common == again == deleted
    assert len({patient, other, common, foreign}) == 4
    assert not any(b"secret" in body for _, body in bodies)
    for tenant, type, id in ((ONE, "Patient", "p"), (ONE, "Patient", "q"), (TWO, "Patient", "p")):
        found = await store.read(tenant, type, id)
        assert found is not None
        assert found.rest == BODY


async def test_another_process_finds_the_same_keys(store: Engine, installed: Installation) -> None:
    await write(store, m.put("Patient", "p", rest=BODY))
    other = installed.open()
    found = await other.read(ONE, "Patient", "p")
    assert found is not None
    assert found.rest == BODY
    await write(other, m.put("Observation", "o", MINE, rest=BODY))
    first, second = map(number, await installed.bodies())
    assert first == second
    await other.close()


async def test_two_processes_make_one_key(installed: Installation) -> None:
    one, other = installed.open(), installed.open()
    puts = [m.put("Observation", f"o{n}", MINE) for n in range(8)]
    await asyncio.gather(*(write((one, other)[n % 2], put) for n, put in enumerate(puts)))
    assert len({number(body) for body in await installed.bodies()}) == 1
    await asyncio.gather(one.close(), other.close())


async def test_rotation(store: Engine, installed: Installation) -> None:
    await write(store, m.put("Patient", "p", rest=BODY), m.put("Group", "g", rest=BODY))
    before = await installed.bodies()
    await store.keeper.supersede(ONE, None)
    await write(store, m.put("Observation", "o", MINE, rest=BODY))
    assert number((await installed.bodies())[2]) not in map(number, before)
    assert await store.keeper.retire(ONE) == 0  # bodies are still under them
    versions = await store.changes(ONE, 0)
    patients = {"Patient": "p", "Observation": "p", "Group": COMMON}
    items = [Reseal(v.type, v.id, v.version, v.t, patients[v.type]) for v in versions]
    assert await store.keeper.reseal(ONE, items) == 2
    assert await store.keeper.reseal(ONE, items) == 0
    assert await store.keeper.retire(ONE) == 2
    after = await installed.bodies()
    assert number(after[0]) == number(after[2])
    assert not {*map(number, before)} & {*map(number, after)}
    assert {v.rest for v in await store.changes(ONE, 0)} == {BODY}
    census = await store.keeper.census(ONE)
    assert (census.current, census.superseded, census.destroyed) == (2, 0, 0)


async def test_a_process_that_runs_seals_under_new_keys_soon(installed: Installation) -> None:
    one, other = installed.open(), installed.open()
    await write(other, m.put("Patient", "p"))
    await one.keeper.supersede(ONE, None)
    await asyncio.sleep(one.keeper.fresh_seconds + 0.1)
    await write(other, m.put("Observation", "o", MINE))
    old, new = map(number, await installed.bodies())
    assert old != new
    await asyncio.gather(one.close(), other.close())


async def test_a_new_key_of_the_tenant(store: Engine, installed: Installation) -> None:
    await write(store, m.put("Patient", "p", rest=BODY), m.put("Group", "g", rest=BODY))
    await write(store, m.put("Patient", "p", rest=BODY), tenant=TWO)
    query = "SELECT parent, wrapped FROM key WHERE tenant = 1"
    before = await installed.execute(query)
    bodies = await installed.bodies()
    assert await store.keeper.rewrap(ONE) == 2
    assert not {*before} & {*await installed.execute(query)}
    assert await installed.bodies() == bodies
    for opened in (store, installed.open()):
        assert {v.rest for v in await opened.changes(ONE, 0)} == {BODY}
        assert {v.rest for v in await opened.changes(TWO, 0)} == {BODY}
        await write(opened, m.put("Group", str(id(opened)), rest=BODY))
        if opened is not store:
            await opened.close()


async def test_what_was_shredded_opens_nowhere(store: Engine, installed: Installation) -> None:
    await write(store, m.put("Patient", "p", rest=BODY), m.put("Group", "g", rest=BODY))
    other = installed.open()
    assert await other.read(ONE, "Patient", "p") is not None
    assert await store.keeper.shred(ONE, "p") == 0  # it is in use
    await store.keeper.supersede(ONE, "p")
    assert await store.keeper.lingers(ONE, "p")
    assert not await store.keeper.has_current(ONE, "p")
    assert await store.keeper.shred(ONE, "p") == 1
    assert not await store.keeper.lingers(ONE, "p")
    with pytest.raises(Fault, match="destroyed"):
        await store.read(ONE, "Patient", "p")
    await asyncio.sleep(store.keeper.fresh_seconds + 0.1)
    with pytest.raises(Fault, match="destroyed"):
        await other.read(ONE, "Patient", "p")
    assert await store.read(ONE, "Group", "g") is not None
    assert (await store.keeper.census(ONE)).destroyed == 1
    await other.close()


async def test_who_comes_back_is_known(store: Engine, installed: Installation) -> None:
    """A copy of the keys from before comes into the place of the table."""
    await write(store, m.put("Patient", "p", rest=BODY), m.put("Patient", "q", rest=BODY))
    rows = await installed.execute("SELECT number, wrapped FROM key")
    await store.keeper.supersede(ONE, "p")
    await store.keeper.shred(ONE, "p")
    assert not await store.keeper.pending()
    assert await store.keeper.returned(ONE, ["p", "q"]) == []
    for old, wrapped in rows:
        values = f"wrapped = x'{wrapped.hex()}' WHERE number = x'{old.hex()}'"
        theirs = f"wrapped = '\\x{wrapped.hex()}' WHERE number = '\\x{old.hex()}'"
        await installed.execute(f"UPDATE key SET {values}", f"UPDATE key SET {theirs}")
    assert await store.keeper.pending()
    assert await store.keeper.returned(ONE, ["p", "q"]) == ["p"]
    with pytest.raises(Fault, match="destroyed"):
        await store.read(ONE, "Patient", "p")
    forgiving = installed.open(forgiving=True)
    found = await forgiving.read(ONE, "Patient", "p")
    assert found is not None
    assert found.rest == BODY
    await forgiving.close()


async def test_the_list_names_nobody(store: Engine, installed: Installation) -> None:
    await write(store, m.put("Patient", "somebody", rest=BODY))
    await store.keeper.supersede(ONE, "somebody")
    await store.keeper.shred(ONE, "somebody")
    text = (installed.folder / NAME).read_text()
    assert "somebody" not in text
    assert len(text.splitlines()) == 1


async def test_who_was_erased_can_be_written_anew(store: Engine, installed: Installation) -> None:
    await write(store, m.put("Patient", "p", rest=BODY))
    await store.keeper.supersede(ONE, "p")
    await store.erase(ONE, Erasure((Erased("Patient", "p", 1, Rows()),)))
    await store.keeper.shred(ONE, "p")
    await write(store, m.put("Patient", "p", rest=BODY))
    for opened in (store, installed.open()):
        found = await opened.read(ONE, "Patient", "p")
        assert found is not None
        assert await opened.keeper.returned(ONE, ["p"]) == []
        assert not await opened.keeper.pending()
        if opened is not store:
            await opened.close()


async def old_folder(installed: Installation) -> None:
    """As a version before encryption left it: a body as it is, and no keys."""
    store = installed.open()
    await write(store, m.put("Patient", "p", rest=b'{"a":1}'))
    await store.close()
    plain = b'{"a":1}'.hex()
    await installed.execute(f"UPDATE version SET form = 1, body = x'{plain}'",
                            f"UPDATE version SET form = 1, body = '\\x{plain}'")  # fmt: skip
    if installed.kind == "postgres":
        await installed.execute("", "DELETE FROM key")
        await installed.execute("", "INSERT INTO key_permit VALUES ('asked', '')")
    else:
        for path in installed.folder.glob("keys.sqlite*"):
            path.unlink()


async def test_a_store_from_before_is_read_and_encrypted(installed: Installation) -> None:
    await old_folder(installed)
    store = installed.open()
    found = await store.read(ONE, "Patient", "p")
    assert found is not None
    assert found.rest == b'{"a":1}'
    assert (await store.keeper.census(ONE)).plain
    await store.keeper.retire(ONE)
    assert (await store.keeper.census(ONE)).plain  # there still is one
    assert await store.keeper.reseal(ONE, [Reseal("Patient", "p", 1, found.t, "p")]) == 1
    await store.keeper.retire(ONE)
    assert not (await store.keeper.census(ONE)).plain
    assert await store.read(ONE, "Patient", "p") == found
    number((await installed.bodies())[0])
    await store.close()


async def test_what_is_not_encrypted_was_not_written_by_us(
    store: Engine, installed: Installation
) -> None:
    await write(store, m.put("Patient", "p", rest=BODY))
    plain = b'{"a":1}'.hex()
    await installed.execute(f"UPDATE version SET form = 1, body = x'{plain}'",
                            f"UPDATE version SET form = 1, body = '\\x{plain}'")  # fmt: skip
    with pytest.raises(Fault, match="not encrypted"):
        await store.read(ONE, "Patient", "p")


async def test_another_root_opens_no_key(tmp_path: Path) -> None:
    """Of SQLite: its files do not open under another key; of the ring see the unit tests."""
    store = sqlite.open(tmp_path, KEY, Hands())
    await store.commit(ONE, Unit((m.put("Patient", "p"),)))
    await store.close()
    (tmp_path / "other").mkdir()
    for path in tmp_path.glob("*.sqlite"):
        shutil.copy(path, tmp_path / "other" / path.name)
    with pytest.raises(Fault, match="key"):
        sqlite.open(tmp_path / "other", bytes(32), Hands())
