"""The one connection that writes: jobs that wait are committed together, each with its answer.

A unit that is stale but breaks nothing is left out; one that breaks something is left out too, and
the rest of its group tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from careplane.kernel.errors import Busy, CareplaneError, Fault
from careplane.storage.engines.sqlite.connection import connect
from careplane.storage.engines.sqlite.faults import translated
from careplane.storage.engines.sqlite.group import Group
from careplane.storage.engines.sqlite.interner import Interner
from careplane.storage.engines.sqlite.known import Known
from careplane.storage.engines.sqlite.reader import Reader
from careplane.storage.engines.sqlite.reindexing import reindex
from careplane.storage.engines.sqlite.writing.job import Answer, Done, Job
from careplane.storage.ports.records import Guard, Key, Tenant
from careplane.storage.relational.cursors import Answers, Cursors

if TYPE_CHECKING:
    from sqlite3 import Connection

_GUARD_SECONDS = 5.0
"""How long one guard may keep all writers waiting."""
_CHECKPOINT_PAGES = 4_000


class Committer:
    """Owns the writing connection. Use it from one thread at a time."""

    def __init__(self, path: Path, key: bytes, cache_kib: int) -> None:
        self._connection: Connection = connect(path, key, cache_kib=cache_kib)
        self._connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        # what the writer looks up may be undone, so it remembers by itself
        self._known = Known()
        self._reader = Reader(self._connection, self._known, Cursors(key), Answers(), _unpack)
        self._interner = Interner(self._connection)

    def commit(self, jobs: Sequence[Job]) -> list[Answer]:
        """One answer a job; nothing is kept of a job whose answer is an error."""
        try:
            return self._transact(jobs)
        except Exception as error:
            self._undo()
            if len(jobs) > 1 and _is_of_one_job(error):
                return [answer for job in jobs for answer in self.commit([job])]
            known = error if isinstance(error, CareplaneError) else translated(error)
            return [known] * len(jobs)

    def close(self) -> None:
        self._connection.close()

    def _transact(self, jobs: Sequence[Job]) -> list[Answer]:
        self._connection.execute("BEGIN IMMEDIATE")
        now = max(job.now for job in jobs)
        group = Group(self._connection, self._interner, self._find, now)
        group.prepare((job.tenant, job.unit, job.items) for job in jobs)
        answers: list[Answer] = []
        for job in jobs:
            try:
                answers.append(self._take(group, job))
            except Busy as stale:
                answers.append(stale)
        group.flush()
        self._connection.execute("COMMIT")
        return answers

    def _take(self, group: Group, job: Job) -> Done:
        if job.erasure is None:
            written = group.take(job.tenant, job.unit, job.packed)
            return Done(*written, reindex(group, job.tenant, job.items))
        group.erase(job.tenant, job.erasure)
        return Done(0, 0)

    def _undo(self) -> None:
        self._interner.forget()
        self._known.forget()
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _find(self, tenant: Tenant, guard: Guard) -> set[Key]:
        with self._reader.within(_GUARD_SECONDS):
            return self._reader.keys(tenant, guard.query)


def _unpack(tenant: Tenant, type: str, id: str, version: int, form: int, body: bytes) -> bytes:
    raise Fault("Who writes has no keys of bodies")


def _is_of_one_job(error: Exception) -> bool:
    """Whether it came of what one job asked for, so that the others may go ahead without it."""
    return "interrupted" in str(error) or not isinstance(translated(error), Busy)
