"""The one writer: a thread that takes the units that wait, commits them together, and answers.

`put` is called from the event loop; the answer is given there, after the fsync.
A unit that is not stale but breaks something is left out, and the rest of its group tried again.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING

from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, CareplaneError
from careplane.storage.bodies import Bodies, Packed
from careplane.storage.engines.sqlite.faults import translated
from careplane.storage.engines.sqlite.group import Group
from careplane.storage.engines.sqlite.interner import Interner
from careplane.storage.engines.sqlite.known import Known
from careplane.storage.engines.sqlite.reader import Reader
from careplane.storage.ports.records import Guard, Key, Receipt, Tenant, Unit

if TYPE_CHECKING:
    from sqlite3 import Connection

_GROUP_PUTS = 2_000
_WAITING_PUTS = 50_000
_GUARD_SECONDS = 5.0
"""How long one guard may keep all writers waiting."""
_FORGET_SIZES_AFTER = 2_000
Answer = Receipt | CareplaneError


@dataclass(slots=True)
class _Job:
    """A unit, its bodies as they will be kept, and whom to answer."""

    tenant: Tenant
    unit: Unit
    packed: list[Packed]
    future: asyncio.Future[Receipt]
    loop: asyncio.AbstractEventLoop

    @property
    def weight(self) -> int:
        return len(self.unit.puts) + 1


class Writer:
    """Owns the writing connection."""

    def __init__(
        self, connection: Connection, reader: Reader, known: Known, own: Known,
        clock: Clock, after_group: Callable[[], None],
    ) -> None:  # fmt: skip
        self._connection = connection
        self._reader = reader
        self._known = known
        self._own = own
        self._interner = Interner(connection)
        self._bodies = Bodies()
        self._clock = clock
        self._after_group = after_group
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._waiting = 0
        self._lock = threading.Lock()
        self._written = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="careplane-writer", daemon=True)
        self._thread.start()

    async def put(self, tenant: Tenant, unit: Unit) -> Receipt:
        """Returns when the unit is durable."""
        loop = asyncio.get_running_loop()
        # here, since the writer's thread is what a long import waits for
        packed = self._bodies.pack([put.rest for put in unit.puts])
        job = _Job(tenant, unit, packed, loop.create_future(), loop)
        with self._lock:
            if self._closed:
                raise Busy("The store is closing: try again")
            if self._waiting > _WAITING_PUTS:
                raise Busy("Too many changes wait to be stored: try again in a moment")
            self._waiting += job.weight
            self._queue.put(job)
        return await job.future

    def close(self) -> None:
        """Writes what was accepted; then the thread ends."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            jobs, more = self._group(job)
            self._answer(jobs, self._commit(jobs))
            self._after_group()
            if not more:
                return

    def _group(self, first: _Job) -> tuple[list[_Job], bool]:
        """What waits, up to a limit; False when the end was among it."""
        jobs, weight = [first], first.weight
        while weight < _GROUP_PUTS and not self._queue.empty():
            job = self._queue.get()
            if job is None:
                return jobs, False
            jobs.append(job)
            weight += job.weight
        return jobs, True

    def _commit(self, jobs: Sequence[_Job]) -> list[Answer]:
        """One answer a job; nothing is kept of a job whose answer is an error."""
        try:
            return self._transact(jobs)
        except Exception as error:
            self._undo()
            if len(jobs) > 1 and _is_of_one_job(error):
                return [answer for job in jobs for answer in self._commit([job])]
            known = error if isinstance(error, CareplaneError) else translated(error)
            return [known] * len(jobs)

    def _transact(self, jobs: Sequence[_Job]) -> list[Answer]:
        self._connection.execute("BEGIN IMMEDIATE")
        group = Group(self._connection, self._interner, self._find, self._clock())
        group.prepare((job.tenant, job.unit) for job in jobs)
        answers: list[Answer] = []
        for job in jobs:
            try:
                answers.append(group.take(job.tenant, job.unit, job.packed))
            except Busy as stale:
                answers.append(stale)
        group.flush()
        self._connection.execute("COMMIT")
        self._forget_sizes(jobs)
        return answers

    def _undo(self) -> None:
        self._interner.forget()
        self._own.forget()
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _forget_sizes(self, jobs: Sequence[_Job]) -> None:
        self._written += sum(job.weight for job in jobs)
        if self._written > _FORGET_SIZES_AFTER:
            self._written = 0
            self._known.sizes.clear()

    def _find(self, tenant: Tenant, guard: Guard) -> set[Key]:
        with self._reader.within(_GUARD_SECONDS):
            return self._reader.keys(tenant, guard.query)

    def _answer(self, jobs: Sequence[_Job], answers: Sequence[Answer]) -> None:
        with self._lock:
            self._waiting -= sum(job.weight for job in jobs)
        loops: defaultdict[asyncio.AbstractEventLoop, list[tuple[_Job, Answer]]] = defaultdict(list)
        for job, answer in zip(jobs, answers, strict=True):
            loops[job.loop].append((job, answer))
        for loop, pairs in loops.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, pairs)


def _is_of_one_job(error: Exception) -> bool:
    """Whether it came of what one job asked for, so that the others may go ahead without it."""
    return "interrupted" in str(error) or not isinstance(translated(error), Busy)


def _resolve(pairs: Sequence[tuple[_Job, Answer]]) -> None:
    for job, answer in pairs:
        if job.future.done():
            continue
        if isinstance(answer, CareplaneError):
            job.future.set_exception(answer)
        else:
            job.future.set_result(answer)
