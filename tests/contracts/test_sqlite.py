"""What SQLite alone can get wrong: keys, folders, files, two processes, long searches."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Busy, Fault, Incorrect
from careplane.search import plan
from careplane.search.plan import Query, SortBy, SortKey
from careplane.search.rows import Param, ReferenceRow, Rows, StringRow, TokenRow
from careplane.storage.engines import sqlite
from careplane.storage.engines.sqlite.audit import AuditKeeper
from careplane.storage.engines.sqlite.connection import connect, key_for
from careplane.storage.engines.sqlite.plans import driver
from careplane.storage.ports.records import HistoryQuery, Put, Tenant, Unit
from careplane.storage.ports.vitals import Vitals
from tests.contracts import material as m
from tests.support import ROOT

KEY = bytes(range(32))
T = Tenant(0)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _open(folder: Path, **limits: float) -> sqlite.SqliteStore:
    return sqlite.open(folder, KEY, system_clock, sqlite.Limits(**limits))


async def test_another_key_does_not_open_it(tmp_path: Path) -> None:
    await _open(tmp_path).close()
    with pytest.raises(Fault, match="restore the key file"):
        sqlite.open(tmp_path, bytes(32), system_clock)


async def test_a_short_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Incorrect, match="32 bytes"):
        sqlite.open(tmp_path, b"short", system_clock)


async def test_nothing_is_readable_without_the_key(tmp_path: Path) -> None:
    store = _open(tmp_path)
    rows = Rows(strings=[StringRow(Param("Patient.name"), "zebedee", "Zebedee")])
    await store.commit(
        T, Unit((m.put("Patient", "p1", rows, rest=b"Zebedee" * 5),), audit=b"Zebedee")
    )
    await store.append(T, b"Zebedee")
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    await store.close()
    files += [path.read_bytes() for path in tmp_path.iterdir()]
    assert len(files) > 4
    assert not any(b"ebedee" in data or b"SQLite format" in data for data in files)


async def test_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    store = _open(tmp_path)
    modes = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    await store.close()
    assert set(modes.values()) == {0}, modes


async def test_a_missing_folder_is_named_in_words(tmp_path: Path) -> None:
    with pytest.raises((Fault, Busy), match="data folder"):
        _open(tmp_path / "nowhere")


async def test_damage_is_found(tmp_path: Path) -> None:
    store = _open(tmp_path)
    await store.commit(
        T, Unit(tuple(m.put("Patient", f"p{n}", rest=os.urandom(500)) for n in range(300)))
    )
    assert await store.check() == []
    await store.close()
    path = tmp_path / "records.sqlite"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    store = _open(tmp_path)
    assert await store.check() != []
    await store.close()


@pytest.mark.parametrize("purpose", ["ledger", "packages", "terminology"])
async def test_damage_beside_the_records_is_found(tmp_path: Path, purpose: str) -> None:
    store = _open(tmp_path)
    path = tmp_path / f"{purpose}.sqlite"
    with closing(connect(path, key_for(purpose, KEY))) as made:
        made.execute("CREATE TABLE t (data)")
        made.execute("INSERT INTO t VALUES (randomblob(100000))")
    assert await store.check() == []
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert any(one.startswith(path.name) for one in await store.check())
    await store.close()


async def test_a_search_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    store = _open(tmp_path, inline_seconds=0.0005, search_seconds=0.02)
    name, code = Param("Patient.name"), Param("Patient.code")
    rows = [
        Rows(
            strings=[StringRow(name, f"{n:05}" * 20, f"{n:05}" * 20)],
            tokens=[TokenRow(code, None, "1")],
        )
        for n in range(4000)
    ]
    await store.commit(T, Unit(tuple(m.put("Patient", str(n), r) for n, r in enumerate(rows))))
    slow = plan.Not(plan.Text(name, plan.TextMode.CONTAINS, tuple(f"x{n}" for n in range(3000))))
    with pytest.raises(Busy, match="narrow it"):
        await store.search(T, Query(frozenset({"Patient"}), plan.all_of(slow, slow), total=True))
    found = await store.search(T, Query(frozenset({"Patient"}), count=3))
    assert len(found.versions) == 3
    assert (await store.vitals()).stopped_searches == 1
    await store.close()


async def test_audit_records_wait_in_the_outbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = _open(tmp_path)
    assert await store.vitals() == Vitals()
    monkeypatch.setattr(AuditKeeper, "_once", lambda self, turn: True)
    for n in range(3):
        await store.commit(T, Unit((m.put("Patient", str(n)),), audit=b"x"))
    assert await store.vitals() == Vitals(waiting_audit=3)
    assert len(await store.tail(T)) == 3
    assert await store.vitals() == Vitals()
    await store.close()


async def test_a_search_on_a_thread_finds_the_same(tmp_path: Path) -> None:
    store = _open(tmp_path, inline_seconds=-1.0)
    code = Param("Patient.code")
    rows = Rows(tokens=[TokenRow(code, None, "1")])
    await store.commit(T, Unit(tuple(m.put("Patient", f"{n}", rows) for n in range(20_000))))
    query = Query(
        frozenset({"Patient"}), sort=(SortKey(Param(""), SortBy.ID),), count=5, total=True
    )
    page = await store.search(T, query)
    assert page.total == 20_000
    assert [v.id for v in page.versions] == ["0", "1", "10", "100", "1000"]
    await store.close()


async def test_what_is_asked_in_order_is_not_sorted(tmp_path: Path) -> None:
    """Services look at changes all the time: it must not take longer the more there is."""
    store = _open(tmp_path)
    await store.commit(T, Unit(tuple(m.put("Patient", f"p{n}") for n in range(50))))
    connection, asked = store._reader.connection, list[str]()
    connection.set_trace_callback(asked.append)
    await store.changes(T, 0, 10)
    for types in (frozenset[str](), frozenset({"Patient"})):
        await store.history(T, HistoryQuery(types, count=10))
    connection.set_trace_callback(None)
    selects = [sql for sql in asked if "ORDER BY v.t" in sql]
    assert len(selects) == 3
    for sql in selects:
        plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}"))
        assert "TEMP B-TREE" not in plan, plan
    await store.close()


async def test_many_of_one_are_found_by_their_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though more refer to a patient than are counted to compare, not all resources are looked at:
    the patient's may stand at the end."""
    monkeypatch.setattr(driver, "MANY", 5)
    store = _open(tmp_path)
    rows = Rows(references=[ReferenceRow(m.SUBJECT, "Patient", "p")])
    puts = [m.put("Observation", f"o{n}", rows if n > 40 else Rows()) for n in range(60)]
    await store.commit(T, Unit(tuple(puts)))
    connection, asked = store._reader.connection, list[str]()
    connection.set_trace_callback(asked.append)
    links = (plan.Reference(m.SUBJECT, frozenset({("Patient", id)})) for id in ("p", "q"))
    found = await store.search(T, Query(frozenset({"Observation"}), plan.Or(tuple(links))))
    connection.set_trace_callback(None)
    assert len(found.versions) == 19
    (sql,) = [sql for sql in asked if "v.body" in sql]
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert not any("SEARCH r USING INDEX" in step or "SCAN r" in step for step in steps), steps
    await store.close()


@pytest.mark.parametrize("cursor", ["", "x", "é", "AAAA", "A" * 60, "A" * 5000])
async def test_a_cursor_that_was_made_up_is_refused(tmp_path: Path, cursor: str) -> None:
    store = _open(tmp_path)
    with pytest.raises(Incorrect, match="page link"):
        await store.search(T, Query(frozenset(), cursor=cursor))
    await store.close()


async def test_too_much_at_once_is_told_to_wait(tmp_path: Path) -> None:
    store = _open(tmp_path)
    puts = [Unit(tuple(m.put("Patient", f"{u}-{n}") for n in range(9000))) for u in range(9)]
    answers = await asyncio.gather(
        *[store.commit(T, unit) for unit in puts], return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, Busy)]
    assert refused
    assert (await store.counts(T))["Patient"] == 9000 * (len(puts) - len(refused))
    await store.close()


OTHER = """
import asyncio, sys
from contextlib import closing
from pathlib import Path
from tests.contracts.test_sqlite import two_hundred
asyncio.run(two_hundred(Path(sys.argv[1]), sys.argv[2]))
"""


async def two_hundred(folder: Path, name: str) -> None:
    """Commits that share names, terms and targets with the other process's."""
    store = _open(folder)
    for n in range(200):
        rows = Rows(
            tokens=[TokenRow(m.CODE, f"http://system/{n % 7}", f"{n}")],
            strings=[StringRow(m.NAME, f"text {n}", f"Text {n}")],
            references=[m.ReferenceRow(m.SUBJECT, "Patient", f"target-{n}")],
        )
        await store.commit(
            T, Unit((Put("Observation", f"{name}-{n}", "PUT", b"{}", rows, 0, Rows()),))
        )
    await store.close()


async def test_two_processes_write_one_folder(tmp_path: Path) -> None:
    store = _open(tmp_path)
    command = [sys.executable, "-c", OTHER, str(tmp_path)]
    environment = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    others = [
        subprocess.Popen([*command, name], cwd=ROOT, env=environment, stderr=subprocess.PIPE)
        for name in ("a", "b")
    ]
    for other in others:
        _, errors = await asyncio.to_thread(other.communicate)
        assert other.returncode == 0, errors.decode()[-2000:]
    assert await store.counts(T) == {"Observation": 400}
    for n in (0, 3, 199):
        for node in (
            plan.Token(m.CODE, (plan.Coding(f"http://system/{n % 7}", f"{n}"),)),
            plan.Text(m.NAME, plan.TextMode.EXACT, (f"Text {n}",)),
            plan.Reference(m.SUBJECT, frozenset({("Patient", f"target-{n}")})),
        ):
            page = await store.search(T, Query(frozenset({"Observation"}), node))
            assert {v.id for v in page.versions} == {f"a-{n}", f"b-{n}"}
    assert await store.check() == []
    await store.close()
