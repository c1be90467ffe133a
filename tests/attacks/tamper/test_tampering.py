"""Root on the machine changes records, audit trail or log behind the server's back: all of it is
found by `careplane ledger verify`, or by the witnesses, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import inspect
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from careplane.kernel.errors import Conflict, Fault
from careplane.ledger.anchor import Anchor
from careplane.ledger.formats import checkpoint, note
from careplane.ledger.leaf import Sealed
from careplane.ledger.log import SIGNED
from careplane.ledger.merkle.frontier import Frontier
from careplane.ledger.merkle.hashes import leaf_hash
from careplane.ledger.merkle.tiles import grow
from careplane.ledger.tree import place_of
from careplane.ledger.versions import seal_all
from careplane.storage.engines.sqlite.chunks import Chunks
from careplane.storage.engines.sqlite.connection import connect, key_for
from careplane.storage.keys.bodies import Place, SealedBodies
from careplane.storage.ports.ledger import Batch, Entry
from tests import postgres as database
from tests.attacks.tamper.cases import AUDIT, CASES, Case
from tests.ledger_house import KEY, ONE, House, lived, opened, put
from tests.unit.ledger.logs import IDENTITY, NOW, ORIGIN, SECRET

if TYPE_CHECKING:
    from sqlite3 import Connection

pytestmark = pytest.mark.anyio
ENGINES = ("sqlite", "postgres")
NOT_OPENED = {
    "delete the tiles": "Tiles of the log are missing",
    "delete the last leaf, and say so": "it was changed",
}
"""What a server notices when it opens the log."""


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which much has happened, to be copied."""
    folder = tmp_path_factory.mktemp("settled")

    async def live() -> None:
        async with opened("sqlite", folder) as house:
            await lived(house)

    asyncio.run(live())
    return folder


@asynccontextmanager
async def scene(engine: str, settled: Path, folder: Path, url: str) -> AsyncIterator[House]:
    """The installation, open; a second time too."""
    if engine == "sqlite":
        if not any(folder.iterdir()):
            shutil.copytree(settled, folder, dirs_exist_ok=True)
        async with opened(engine, folder) as house:
            yield house
        return
    fresh = not (folder / "anchor").exists()
    async with opened(engine, folder, url) as house:
        if fresh:
            await lived(house)
        yield house


async def edit_of(case: Case, house: House) -> dict[str, str]:
    """What the statements of a case have in them: a body that is changed and sealed anew."""
    if case.edit is None:
        return {}
    (found,) = await house.records.changes(ONE, case.edit.t - 1, 1)
    rest = found.rest.replace(case.edit.old, case.edit.new)
    assert rest != found.rest
    keys: Any = house.records._keys  # type: ignore[attr-defined]
    known = keys.own(ONE, [""])
    if inspect.isawaitable(known):
        await known
    bodies = SealedBodies(keys.ring, getattr(keys, "find", None) or keys.bodies._find)
    method = ("POST", "PUT", "DELETE", "PATCH").index(found.method)
    place = Place(ONE, found.type, found.id, found.version)
    ((encoding, body),) = bodies.pack([rest], [method], [place], [""])
    return {"{form}": str(encoding * 4 + method), "{body}": body.hex()}


async def tamper(
    case: Case, engine: str, folder: Path, url: str, parts: Mapping[str, str] | None = None
) -> None:
    def filled(sql: str) -> str:
        for name, value in (parts or {}).items():
            sql = sql.replace(name, value)
        return sql

    if engine == "postgres":
        connection = await asyncpg.connect(url)
        for one in case.sql(engine):
            await connection.execute(filled(one))
        await connection.close()
        return
    file = connect(folder / f"{case.file}.sqlite", key_for(case.file, KEY))
    unfolded = one_by_one(file) if case.file == AUDIT else nullcontext()
    with unfolded:
        for one in case.sql(engine):
            assert file.execute(filled(one)).rowcount != 0, "nothing was changed"
    file.close()


@contextmanager
def one_by_one(file: Connection) -> Iterator[None]:
    """The chunks of an audit file as a table `audit` of records, and chunks of what is left in it:
    what somebody can do who knows how they are made."""
    chunks = Chunks(file)
    file.execute("CREATE TEMP TABLE audit (seq INTEGER PRIMARY KEY, tenant, record)")
    file.executemany("INSERT INTO audit VALUES (?, ?, ?)", list(chunks.behind(0)))
    yield
    file.execute("DELETE FROM chunk")
    for seq, tenant, record in file.execute("SELECT * FROM audit ORDER BY seq").fetchall():
        chunks.add(seq, [tenant], [record])


@pytest.mark.parametrize(
    "how",
    [
        "UPDATE chunk SET first = first + 1 WHERE form > 0",
        "UPDATE chunk SET records = zeroblob(20) WHERE form > 0",
        "UPDATE chunk SET records = substr(records, 1, length(records) / 2) WHERE form > 0",
        "UPDATE chunk SET form = 2 WHERE form = 1",
    ],
)
async def test_a_chunk_that_was_changed_is_not_read(
    how: str, settled: Path, tmp_path: Path
) -> None:
    async with scene("sqlite", settled, tmp_path, "") as house:
        assert await house.problems() == []
    with closing(connect(tmp_path / "audit.sqlite", key_for(AUDIT, KEY))) as file:
        assert file.execute(how).rowcount != 0, "nothing was changed"
    async with scene("sqlite", settled, tmp_path, "") as house:
        with pytest.raises(Fault, match="cannot be read"):
            await house.problems()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("how", CASES)
async def test_it_is_found(engine: str, how: str, settled: Path, tmp_path: Path) -> None:
    url = database.url() if engine == "postgres" else ""
    async with scene(engine, settled, tmp_path, url) as house:
        assert await house.problems() == []
        parts = await edit_of(CASES[how], house)
    await tamper(CASES[how], engine, tmp_path, url, parts)
    opens = nullcontext() if how not in NOT_OPENED else pytest.raises(Fault, match=NOT_OPENED[how])
    with opens:
        async with scene(engine, settled, tmp_path, url) as house:
            found = await house.problems()
            assert any(CASES[how].says in one for one in found), found


async def test_versions_beyond_a_mark_that_was_put_ahead_are_found(
    settled: Path, tmp_path: Path
) -> None:
    case = Case("ledger", ("UPDATE {x}mark SET at = at + 50 WHERE source = 'versions/1'",), "")
    async with scene("sqlite", settled, tmp_path, "") as house:
        await house.write(put("unseen"))
    await tamper(case, "sqlite", tmp_path, "")
    async with scene("sqlite", settled, tmp_path, "") as house:
        assert any("slipped in" in one for one in await house.problems())


def restored(folder: Path, copy: Path, *names: str) -> None:
    """Put files back to an older copy."""
    for name in names:
        for path in folder.glob(f"{name}*"):
            path.unlink()
        for path in copy.glob(f"{name}*"):
            shutil.copy(path, folder / path.name)


@asynccontextmanager
async def grown(settled: Path, folder: Path) -> AsyncIterator[Path]:
    """A copy from before, of an installation that went on since."""
    async with scene("sqlite", settled, folder, ""):
        pass
    copy = folder / "copy"
    shutil.copytree(folder, copy)
    async with scene("sqlite", settled, folder, "") as house:
        await house.write(*(put(f"new{n}") for n in range(20)))
        await house.settle()
    yield copy


async def test_records_rolled_back_are_found(settled: Path, tmp_path: Path) -> None:
    async with grown(settled, tmp_path) as copy:
        restored(tmp_path, copy, "records.sqlite")
    async with scene("sqlite", settled, tmp_path, "") as house:
        assert any("was taken out" in one for one in await house.problems())
        with pytest.raises(Conflict, match="older than the log"):
            await house.follower.check(ONE)


async def test_a_trail_rolled_back_is_found(settled: Path, tmp_path: Path) -> None:
    async with grown(settled, tmp_path) as copy:
        restored(tmp_path, copy, "audit.sqlite")
    async with scene("sqlite", settled, tmp_path, "") as house:
        assert any("Audit records" in one for one in await house.problems())


async def test_a_log_rolled_back_says_so_for_ever(settled: Path, tmp_path: Path) -> None:
    """Records, trail and log are put back together: the anchor knows better, and the log that goes
    on has a leaf in clear that says what is missing."""
    async with grown(settled, tmp_path) as copy:
        restored(tmp_path, copy, "records.sqlite", "audit.sqlite", "ledger.sqlite")
    async with scene("sqlite", settled, tmp_path, "") as house:
        (loss,) = await house.ledger.losses()
        assert loss.kept < loss.size
        await house.write(put("after"))
        await house.settle()
        assert await house.log.cosign(house.town.asking()) is None, "it is cosigned already"
        assert await house.problems() == []


async def test_all_of_it_rolled_back_gets_no_cosignature(settled: Path, tmp_path: Path) -> None:
    async with grown(settled, tmp_path) as copy:
        restored(tmp_path, copy, "records.sqlite", "audit.sqlite", "ledger.sqlite", "anchor")
    async with scene("sqlite", settled, tmp_path, "") as house:
        assert await house.problems() == [], "from inside all is well"
        await house.write(put("after"))
        await house.follower.caught_up()
        await house.log.sign()
        with pytest.raises(Conflict, match="Witnesses know a larger tree"):
            await house.log.cosign(house.town.asking())


async def test_a_clone_that_goes_on_gets_no_cosignature(settled: Path, tmp_path: Path) -> None:
    async with grown(settled, tmp_path) as copy:
        pass
    async with scene("sqlite", settled, copy, "") as house:
        house.town.files = {name: tmp_path / name for name in house.town.files}
        house.town.start()
        await house.write(*(put(f"other{n}") for n in range(90)))
        await house.follower.caught_up()
        await house.log.sign()
        asking = house.town.asking()
        assert await house.log.cosign(asking) is None
        assert all("422" in problem for problem in asking.problems.values())


async def _rewritten(house: House, leaves: Sequence[Sealed]) -> None:
    """The log made anew with every key of the installation, tiles, checkpoint and anchor too."""
    old = await house.ledger.entries(0, 10_000)
    by = dict(old)
    versions = await house.records.changes(ONE, 0, 10_000)
    for version, leaf in zip(versions, leaves, strict=True):
        number = await place_of(house.ledger, ONE, version.t)
        assert number is not None
        by[number] = Entry(leaf.entry, leaf.salt)
    entries = [by[number] for number in sorted(by)]
    hashes = [leaf_hash(one.leaf) for one in entries]
    connection = connect(house.folder / "ledger.sqlite", key_for("ledger", KEY))
    for sql in ("DELETE FROM entry", "DELETE FROM tile", "UPDATE head SET size = 0"):
        connection.execute(sql)
    connection.close()
    tiles = list(grow(0, hashes, lambda _: b"").items())
    await house.ledger.append(Batch(0, entries, tiles))
    frontier = Frontier().extend(hashes)
    text = checkpoint.Checkpoint(ORIGIN, len(entries), frontier.root()).text
    signed = note.Note(text, (IDENTITY.signers[0].sign(text, NOW),))
    await house.ledger.put_note(SIGNED, bytes(signed))
    house.anchors.save(Anchor(signed, frontier))


async def test_a_record_changed_with_its_leaf_is_found_by_the_anchor(
    settled: Path, tmp_path: Path
) -> None:
    """With the installation's key, and the anchor out of reach."""
    case = CASES["change a value"]
    async with scene("sqlite", settled, tmp_path, "") as house:
        parts = await edit_of(case, house)
    await tamper(case, "sqlite", tmp_path, "", parts)
    anchor = (tmp_path / "anchor").read_bytes()
    async with scene("sqlite", settled, tmp_path, "") as house:
        versions = await house.records.changes(ONE, 0, 10_000)
        await _rewritten(house, seal_all(ONE, versions, SECRET))
    (tmp_path / "anchor").write_bytes(anchor)
    with pytest.raises(Fault, match="it was changed"):
        async with scene("sqlite", settled, tmp_path, ""):
            pass


async def test_a_record_changed_and_signed_anew_is_found_by_the_witnesses(
    settled: Path, tmp_path: Path
) -> None:
    """With the stolen key of the log and the anchor in hand: from inside all fits, outside not."""
    case = CASES["change a value"]
    async with scene("sqlite", settled, tmp_path, "") as house:
        parts = await edit_of(case, house)
    await tamper(case, "sqlite", tmp_path, "", parts)
    async with scene("sqlite", settled, tmp_path, "") as house:
        versions = await house.records.changes(ONE, 0, 10_000)
        await _rewritten(house, seal_all(ONE, versions, SECRET))
    async with scene("sqlite", settled, tmp_path, "") as house:
        assert not [one for one in await house.problems() if "cosigned" not in one]
        await house.write(put("after"))
        await house.follower.caught_up()
        await house.log.sign()
        asking = house.town.asking()
        assert await house.log.cosign(asking) is None
        assert all("422" in problem for problem in asking.problems.values())


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 40
