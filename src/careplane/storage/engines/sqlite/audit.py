"""The audit file: what AuditStore (storage.ports.audit) is on SQLite, in a file of its own.

Records of requests come by way of a spool, those of units of work are durable with the unit in the
records file's outbox; both are moved here soon after, in order, each exactly once (decisions 0002,
0055).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from sqlcipher3 import dbapi2

from careplane.kernel.errors import CareplaneError
from careplane.storage.engines.sqlite import filing as index
from careplane.storage.engines.sqlite.chunks import Chunks
from careplane.storage.engines.sqlite.faults import complaints
from careplane.storage.engines.sqlite.outbox import Source
from careplane.storage.engines.sqlite.runs import Run, numbered, size
from careplane.storage.ports.audit import AuditQuery, Filing, Found, Together
from careplane.storage.ports.records import Tenant

if TYPE_CHECKING:
    from sqlite3 import Connection

_NOTE = """INSERT INTO moved_from VALUES (?, ?)
ON CONFLICT (source) DO UPDATE SET id = excluded.id"""
_MOVED_AT_ONCE = 1_000
_EVERY_SECONDS = 0.25
_CHECKPOINT_TURNS = 4
_FILED_AT_ONCE = 1_000


class AuditKeeper:
    """Moves records to the audit file and checkpoints that, on a thread of its own.

    `own` are the sources of this process, by number; `others` finds those of all other processes,
    which are looked at when somebody reads, and once at the start: a process may have ended before
    it moved its own. `ended` trims those whose process is gone, given how far each was moved.
    """

    def __init__(
        self,
        audit: Connection,
        own: Mapping[int, Source],
        others: Callable[[], Mapping[int, Source]],
        ended: Callable[[Callable[[int], int]], None],
    ) -> None:
        self._audit = audit
        self._chunks = Chunks(audit)
        self._own = own
        self._others = others
        self._trim_ended = ended
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._wanted.set()
        self._unaware = False
        """Whether it must be told of what is there to move."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="careplane-audit", daemon=True)

    def start(self) -> None:
        """From now on."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to move: called with every turn of requests."""
        if self._unaware:
            self._unaware = False
            self._wanted.set()

    def tail(self, tenant: Tenant, after: int, count: int) -> Sequence[tuple[int, bytes]]:
        with self._lock, complaints():
            self._move_all()
            some = islice(self._chunks.behind(after, tenant), count)
            return [(seq, record) for seq, _, record in some]

    def together(self, tenant: Tenant, after: int, count: int) -> Together | None:
        with self._lock, complaints():
            self._move_all()
            return self._chunks.together(after, tenant, count)

    def file(self, filing: Filing, count: int) -> int:
        with self._lock, complaints():
            self._move_all()
            return self._file(filing, count)

    def find(self, query: AuditQuery, filing: Filing) -> Sequence[Found]:
        while self.file(filing, _FILED_AT_ONCE):
            pass
        with self._lock, complaints():
            return index.find(self._audit, self._chunks, query)

    def forget(self, tenant: Tenant, query: AuditQuery, filing: Filing) -> int:
        while self.file(filing, _FILED_AT_ONCE):
            pass
        gone: list[int] = []
        with self._lock, complaints():
            with_transaction(
                self._audit,
                lambda: gone.append(index.forget(self._audit, self._chunks, tenant, query, filing)),
            )
        return gone[0]

    def waiting(self) -> int:
        """Records of all processes that are not in the audit file yet."""
        with self._lock, complaints():
            sources = {**self._own, **self._others()}
            return sum(one.waiting(self.moved(number)) for number, one in sources.items())

    def move(self, source: int, waiting: Source) -> None:
        """All that waits there now: what comes meanwhile is left for the next time, or there would
        be a transaction for every few."""
        while runs := waiting.runs(self.moved(source), _MOVED_AT_ONCE):
            with_transaction(self._audit, partial(self._store, source, runs))
            if sum(map(size, runs)) < _MOVED_AT_ONCE:
                return

    def moved(self, source: int) -> int:
        """The number of the last record that was moved from a source."""
        row = self._audit.execute("SELECT id FROM moved_from WHERE source = ?", (source,))
        return int((row.fetchone() or (0,))[0])

    def checkpoint(self) -> bool:
        """Bring what was moved to the disk; whether all of it is there."""
        busy, pages, done = self._audit.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return not busy and pages == done

    def close(self) -> None:
        self._ended.set()
        self._wanted.set()
        self._thread.join()
        with self._lock, complaints():
            self._move(self._own)
            self._trim(ended=True)
        self._audit.close()

    def _run(self) -> None:
        turn = 0
        while not self._ended.is_set():
            self._wanted.wait()
            self._wanted.clear()
            self._unaware = True  # before it looks
            if self._once(turn):
                turn += 1
            self._ended.wait(_EVERY_SECONDS)

    def _once(self, turn: int) -> bool:
        """What fails now is tried again at the next turn; nothing is lost by waiting."""
        try:
            with self._lock:
                if turn:
                    self._move(self._own)
                else:
                    self._move_all()
                if turn % _CHECKPOINT_TURNS == 0 and self._trim(ended=False) and not turn:
                    self._trim_ended(self.moved)
        except (dbapi2.Error, CareplaneError, OSError):
            self._wanted.set()
            return False
        return True

    def _move_all(self) -> None:
        self._move({**self._own, **self._others()})

    def _move(self, sources: Mapping[int, Source]) -> None:
        for number, source in sources.items():
            self.move(number, source)

    def _store(self, source: int, runs: Sequence[Run]) -> None:
        moved = self.moved(source)  # again, under the lock: another process may have moved some
        left = [part for run in runs if run.last > moved for part in run.behind(moved)]
        if left:
            self._chunks.put(numbered(left, self._chunks.last() + 1))
            self._audit.execute(_NOTE, (source, left[-1].last))

    def _file(self, filing: Filing, count: int) -> int:
        done: list[int] = []
        with_transaction(
            self._audit, lambda: done.append(index.file(self._audit, self._chunks, filing, count))
        )
        return done[0]

    def _trim(self, *, ended: bool) -> bool:
        """What a checkpoint has brought to the audit file is safe there, and need not wait any
        more; whether there was one."""
        moved = {number: self.moved(number) for number in self._own}
        safe = self.checkpoint()
        if safe:
            for number, source in self._own.items():
                source.trim(moved[number], ended=ended)
        return safe


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
