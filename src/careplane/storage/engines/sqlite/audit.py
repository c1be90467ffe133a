"""The audit file: AuditStore (storage.ports.audit) on SQLite, in a file of its own.

Records of one turn of the event loop go into one transaction, written before any of their answers
leaves. WAL without fsync by default: a record outlives the process, and a power cut may cost the
last moments; `sync="FULL"` closes that too. Records of units of work are durable with the unit in
the records file's outbox, and are moved here soon after, in order, each exactly once (decision
0002).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sqlcipher3 import dbapi2

from careplane.storage.engines.sqlite.bulk import execute_many
from careplane.storage.engines.sqlite.faults import complaints, translated
from careplane.storage.ports.records import Tenant

if TYPE_CHECKING:
    from sqlite3 import Connection

_INSERT = "INSERT INTO audit (tenant, record)"
_WAITING = 20_000
_MOVED_AT_ONCE = 1_000
_EVERY_SECONDS = 0.5
_TRIMMED_FROM = 1_000


class AuditAppender:
    """Writes inline, on the event loop's thread: handing over to another would cost more."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
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
            with_transaction(
                self._connection, lambda: execute_many(self._connection, _INSERT, rows)
            )
        except dbapi2.Error as error:
            for future in futures:
                if not future.done():
                    future.set_exception(translated(error))
            return
        for future in futures:
            if not future.done():
                future.set_result(None)


class AuditKeeper:
    """Moves the outbox to the audit file and checkpoints that, on a thread of its own."""

    def __init__(self, records: Connection, audit: Connection) -> None:
        self._records = records
        self._audit = audit
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="careplane-audit", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        if not self._wanted.is_set():  # it takes a lock, and this is asked with every request
            self._wanted.set()

    def tail(self, tenant: Tenant, after: int, count: int) -> Sequence[tuple[int, bytes]]:
        with self._lock, complaints():
            self._move()
            sql = "SELECT seq, record FROM audit WHERE tenant = ? AND seq > ? ORDER BY seq LIMIT ?"
            return self._audit.execute(sql, (tenant, after, count)).fetchall()

    def close(self) -> None:
        self._ended.set()
        self._wanted.set()
        self._thread.join()
        with self._lock, complaints():
            self._move()
            self._checkpoint(trimmed_from=1)
        self._audit.close()
        self._records.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._wanted.wait()
            self._wanted.clear()
            self._once()
            self._ended.wait(_EVERY_SECONDS)

    def _once(self) -> None:
        """What fails now is tried again at the next turn; nothing is lost by waiting."""
        try:
            with self._lock:
                self._move()
                self._checkpoint(_TRIMMED_FROM)
        except dbapi2.Error:
            self._wanted.set()

    def _move(self) -> None:
        while True:
            moved = self._moved()
            sql = "SELECT id, tenant, record FROM outbox WHERE id > ? ORDER BY id LIMIT ?"
            rows = self._records.execute(sql, (moved, _MOVED_AT_ONCE)).fetchall()
            if not rows:
                return
            with_transaction(self._audit, lambda: self._store(rows))  # noqa: B023  (runs at once)

    def _store(self, rows: Sequence[tuple[int, int, bytes]]) -> None:
        moved = self._moved()  # again, under the lock: another process may have moved some
        fresh = [(tenant, record) for id, tenant, record in rows if id > moved]
        execute_many(self._audit, _INSERT, fresh)
        self._audit.execute("UPDATE moved SET outbox_id = ?", (max(moved, rows[-1][0]),))

    def _moved(self) -> int:
        return int(self._audit.execute("SELECT outbox_id FROM moved").fetchone()[0])

    def _checkpoint(self, trimmed_from: int) -> None:
        """What a checkpoint has brought to the audit file is safe there, and leaves the outbox."""
        moved = self._moved()
        lowest = self._records.execute("SELECT min(id) FROM outbox").fetchone()[0]
        busy, pages, done = self._audit.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if busy or pages != done or lowest is None or moved - lowest + 1 < trimmed_from:
            return
        self._records.execute("DELETE FROM outbox WHERE id <= ?", (moved,))


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
