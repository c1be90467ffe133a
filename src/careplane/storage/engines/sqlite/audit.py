"""The audit file: AuditStore (storage.ports.audit) on SQLite, in a file of its own.

Records of one turn of the event loop go into one transaction, written before any of their answers
leaves. WAL without fsync by default: a record outlives the process, and a power cut may cost the
last moments; `sync="FULL"` closes that too. Records of units of work are durable with the unit in
the records file's outbox, and are moved here soon after, in order, each exactly once (decision
0002). Where several processes serve the folder, each appends to an inbox, which is an outbox too.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Literal

from sqlcipher3 import dbapi2

from careplane.kernel.errors import CareplaneError, Full
from careplane.storage.engines.sqlite import filing as index
from careplane.storage.engines.sqlite.bulk import execute_many
from careplane.storage.engines.sqlite.faults import complaints, translated
from careplane.storage.ports.audit import AuditQuery, Filing, Found
from careplane.storage.ports.records import Tenant

if TYPE_CHECKING:
    from sqlite3 import Connection

RECORDS_FILE = 0
"""The number of the records file's outbox."""
Outboxes = AbstractContextManager[dict[int, "Connection"]]
Relieve = Callable[[], bool]
"""Makes room on a full disk, if it can."""
_NOTE = """INSERT INTO moved_from VALUES (?, ?)
ON CONFLICT (source) DO UPDATE SET id = excluded.id"""
_MOVED_AT_ONCE = 1_000
_EVERY_SECONDS = 0.5
_TRIMMED_FROM = 1_000
_FILED_AT_ONCE = 1_000


class AuditAppender:
    """Writes inline, on the event loop's thread: handing over to another would cost more."""

    def __init__(
        self, connection: Connection, table: Literal["audit", "outbox"], relieve: Relieve
    ) -> None:
        self._connection = connection
        self._relieve = relieve
        self._insert = f"INSERT INTO {table} (tenant, record)"
        self._rows: list[tuple[Tenant, bytes]] = []
        self._futures: list[asyncio.Future[None]] = []

    async def append(self, tenant: Tenant, record: bytes) -> None:
        loop = asyncio.get_running_loop()
        if not self._rows:
            loop.call_soon(self._flush)
        future: asyncio.Future[None] = loop.create_future()
        self._rows.append((tenant, record))
        self._futures.append(future)
        await future

    def _flush(self) -> None:
        rows, futures = self._rows, self._futures
        self._rows, self._futures = [], []
        try:
            self._write(rows)
        except dbapi2.Error as error:
            for future in futures:
                if not future.done():
                    future.set_exception(translated(error))
            return
        for future in futures:
            if not future.done():
                future.set_result(None)

    def _write(self, rows: list[tuple[Tenant, bytes]]) -> None:
        def write() -> None:
            execute_many(self._connection, self._insert, rows)

        try:
            with_transaction(self._connection, write)
        except dbapi2.Error as error:
            if not isinstance(translated(error), Full) or not self._relieve():
                raise
            with_transaction(self._connection, write)


class AuditKeeper:
    """Moves outboxes to the audit file and checkpoints that, on a thread of its own.

    `own` are those of this process, by number; `others` finds all there are, which are looked at
    when somebody reads, and once at the start: a process may have ended before it moved its own.
    """

    def __init__(
        self, audit: Connection, own: dict[int, Connection], others: Callable[[], Outboxes]
    ) -> None:
        self._audit = audit
        self._own = own
        self._others = others
        for source, outbox in own.items():
            _never_behind(outbox, self._moved(source))
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._wanted.set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="careplane-audit", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        if not self._wanted.is_set():  # it takes a lock, and this is asked with every request
            self._wanted.set()

    def tail(self, tenant: Tenant, after: int, count: int) -> Sequence[tuple[int, bytes]]:
        with self._lock, complaints():
            self._move_all()
            sql = "SELECT seq, record FROM audit WHERE tenant = ? AND seq > ? ORDER BY seq LIMIT ?"
            return self._audit.execute(sql, (tenant, after, count)).fetchall()

    def file(self, filing: Filing, count: int) -> int:
        with self._lock, complaints():
            self._move_all()
            return self._file(filing, count)

    def find(self, query: AuditQuery, filing: Filing) -> Sequence[Found]:
        while self.file(filing, _FILED_AT_ONCE):
            pass
        with self._lock, complaints():
            return index.find(self._audit, query)

    def forget(self, tenant: Tenant, query: AuditQuery, filing: Filing) -> int:
        while self.file(filing, _FILED_AT_ONCE):
            pass
        gone: list[int] = []
        with self._lock, complaints():
            with_transaction(
                self._audit, lambda: gone.append(index.forget(self._audit, tenant, query, filing))
            )
        return gone[0]

    def _file(self, filing: Filing, count: int) -> int:
        done: list[int] = []
        with_transaction(self._audit, lambda: done.append(index.file(self._audit, filing, count)))
        return done[0]

    def waiting(self) -> int:
        """Records in outboxes, those of other processes included, that are not in the audit file
        yet."""
        sql = "SELECT coalesce(max(id), 0) FROM outbox"
        with self._lock, complaints(), self._others() as found:
            return sum(
                max(0, outbox.execute(sql).fetchone()[0] - self._moved(source))
                for source, outbox in (self._own | found).items()
            )

    def close(self) -> None:
        self._ended.set()
        self._wanted.set()
        self._thread.join()
        with self._lock, complaints():
            self._move(self._own)
            self._checkpoint(trimmed_from=1)
        for connection in (self._audit, *self._own.values()):
            connection.close()

    def _run(self) -> None:
        turn: Callable[[], None] = self._move_all
        while not self._ended.is_set():
            self._wanted.wait()
            self._wanted.clear()
            if self._once(turn):
                turn = self._move_own
            self._ended.wait(_EVERY_SECONDS)

    def _once(self, turn: Callable[[], None]) -> bool:
        """What fails now is tried again at the next turn; nothing is lost by waiting."""
        try:
            with self._lock:
                turn()
                self._checkpoint(_TRIMMED_FROM)
        except (dbapi2.Error, CareplaneError):
            self._wanted.set()
            return False
        return True

    def _move_own(self) -> None:
        self._move(self._own)

    def _move_all(self) -> None:
        with self._others() as found:
            self._move(self._own | found)

    def _move(self, outboxes: dict[int, Connection]) -> None:
        for source, outbox in outboxes.items():
            self._empty(source, outbox)

    def _empty(self, source: int, outbox: Connection) -> None:
        while True:
            moved = self._moved(source)
            sql = "SELECT id, tenant, record FROM outbox WHERE id > ? ORDER BY id LIMIT ?"
            rows = outbox.execute(sql, (moved, _MOVED_AT_ONCE)).fetchall()
            if not rows:
                return
            with_transaction(self._audit, lambda: self._store(source, rows))  # noqa: B023  (at once)

    def _store(self, source: int, rows: Sequence[tuple[int, int, bytes]]) -> None:
        moved = self._moved(source)  # again, under the lock: another process may have moved some
        fresh = [(tenant, record) for id, tenant, record in rows if id > moved]
        execute_many(self._audit, "INSERT INTO audit (tenant, record)", fresh)
        self._audit.execute(_NOTE, (source, max(moved, rows[-1][0])))

    def _moved(self, source: int) -> int:
        row = self._audit.execute("SELECT id FROM moved_from WHERE source = ?", (source,))
        return int((row.fetchone() or (0,))[0])

    def _checkpoint(self, trimmed_from: int) -> None:
        """What a checkpoint has brought to the audit file is safe there, and leaves the outbox."""
        moved = {source: self._moved(source) for source in self._own}
        busy, pages, done = self._audit.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        for source, outbox in self._own.items():
            lowest = outbox.execute("SELECT min(id) FROM outbox").fetchone()[0]
            safe = not busy and pages == done and lowest is not None
            if safe and moved[source] - lowest + 1 >= trimmed_from:
                outbox.execute("DELETE FROM outbox WHERE id <= ?", (moved[source],))
            if source != RECORDS_FILE:
                outbox.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _never_behind(outbox: Connection, moved: int) -> None:
    """Where an older outbox was put beside a newer audit file (a backup), its next number is beyond
    what was moved: else its records would pass for known."""
    sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'outbox'"
    if outbox.execute(sql).fetchone()[0] < moved:
        outbox.execute("DELETE FROM sqlite_sequence WHERE name = 'outbox'")
        outbox.execute("INSERT INTO sqlite_sequence VALUES ('outbox', ?)", (moved,))


def with_transaction(connection: Connection, work: Callable[[], None]) -> None:
    """All of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        work()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
