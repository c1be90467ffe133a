"""Gathers units of a tenant that wait, commits them in one transaction, and answers each.

Tenants do not wait for each other, as far as there are connections.

A unit that breaks something is left out, and the rest of its group tried again. Where the
connection is lost in the middle nothing was stored, and it is tried once more; where it is lost in
the commit itself, the database is asked what became of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg

from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, CareplaneError, Fault
from careplane.storage.engines.postgres.faults import DRIVER_ERRORS
from careplane.storage.engines.postgres.group import Find, Group
from careplane.storage.engines.postgres.job import Job, laid_out
from careplane.storage.engines.postgres.keys import PostgresKeys
from careplane.storage.engines.postgres.names import Identity, Names
from careplane.storage.engines.postgres.reindexing import Anew
from careplane.storage.engines.postgres.sessions import Connection, Sessions
from careplane.storage.ports.records import Receipt, Reindex, Reindexed, Tenant, Unit

_WAITING_PUTS = 50_000
_GROUP_PUTS = 500
_REMEMBERED = 200_000
_FATE_SECONDS = 3.0
_FATE = """SELECT t >= $1 AND EXISTS (SELECT FROM version
WHERE tenant = $2 AND t = $1 AND ident = $3 AND version = $4 AND body = $5)
FROM sequence WHERE tenant = $2 FOR UPDATE"""
Answer = Receipt | CareplaneError


class Writer:
    """One process's. Use it from one event loop."""

    def __init__(
        self, sessions: Sessions, names: Names, find: Find, clock: Clock, keys: PostgresKeys
    ) -> None:
        self._sessions = sessions
        self._names = names
        self._find = find
        self._clock = clock
        self._keys = keys
        self._heard: set[Identity] = set()
        self._queues: dict[Tenant, list[Job]] = {}
        self._tasks: dict[Tenant, asyncio.Task[None]] = {}
        self._puts = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        """Puts that were handed in and are not answered yet."""
        return self._puts

    async def put(self, tenant: Tenant, unit: Unit) -> Receipt:
        """Returns when the unit is durable."""
        weight = len(unit.puts) + 1
        if self._closed:
            raise Busy("The store is closing: try again")
        if self._puts > _WAITING_PUTS:
            raise Busy("Too many changes wait to be stored: try again in a moment")
        self._puts += weight
        try:
            laid = await laid_out(tenant, unit, self._names)
            packed = await self._keys.packed(tenant, unit.puts)
            future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
            job = Job(tenant, unit, laid, packed, self._clock(), future)
            self._queues.setdefault(tenant, []).append(job)
            if tenant not in self._tasks:
                self._tasks[tenant] = asyncio.get_running_loop().create_task(self._run(tenant))
            return await asyncio.shield(future)
        finally:
            self._puts -= weight

    async def reindex(
        self, tenant: Tenant, items: Sequence[Reindex], defined: int
    ) -> list[Reindexed]:
        """Returns when the rows are durable."""
        if self._closed:
            raise Busy("The store is closing: try again")
        work, now = Anew(tenant, items, defined, self._names), self._clock()
        outcomes, heard = await self._sessions.run(
            tenant, lambda c: work.run(c, self._find, self._heard, now)
        )
        self._heard |= heard
        return outcomes

    async def close(self) -> None:
        """Write what was accepted, and end."""
        self._closed = True
        while self._tasks or self._puts:
            if self._tasks:
                await asyncio.wait(self._tasks.values())
            await asyncio.sleep(0.005)  # what was accepted is made ready

    async def _run(self, tenant: Tenant) -> None:
        try:
            while queue := self._queues.pop(tenant, None):
                group, self._queues[tenant] = _split(queue)
                for job, answer in zip(group, await self._commit(group), strict=True):
                    if isinstance(answer, Receipt):
                        job.future.set_result(answer)
                    else:
                        job.future.set_exception(answer)
                        job.future.exception()  # whoever asked may have gone
        finally:
            del self._tasks[tenant]

    async def _commit(self, jobs: Sequence[Job]) -> list[Answer]:
        """One answer a job; nothing is kept of a job whose answer is an error."""
        try:
            return await self._sessions.retried(
                jobs[0].tenant, _Transaction(jobs, self._find, self._heard).run
            )
        except _Unknown as unknown:
            return await self._fate(jobs[0].tenant, unknown)
        except CareplaneError as error:
            if len(jobs) > 1 and not _is_of_the_way(error):
                return [answer for job in jobs for answer in await self._commit([job])]
            return [error] * len(jobs)
        except Exception:
            if len(jobs) > 1:
                return [answer for job in jobs for answer in await self._commit([job])]
            return [Fault("The record store failed")]
        finally:
            if len(self._heard) > _REMEMBERED:
                self._heard.clear()

    async def _fate(self, tenant: Tenant, unknown: _Unknown) -> list[Answer]:
        """What became of a commit whose answer was lost."""
        witness = unknown.witness
        try:
            async with asyncio.timeout(_FATE_SECONDS):
                while True:
                    try:
                        done = await self._sessions.run(
                            tenant, lambda c: c.fetchval(_FATE, *witness)
                        )
                    except Busy:
                        await asyncio.sleep(0.1)
                    else:
                        lost = Busy("The database went away before this was stored: try again")
                        return [a if done else _but(a, lost) for a in unknown.answers]
        except (TimeoutError, Fault):
            fault = Fault("The database went away: whether this was stored is not known")
            return [_but(answer, fault) for answer in unknown.answers]


def _split(queue: list[Job]) -> tuple[list[Job], list[Job]]:
    """What is committed next, up to a limit, and the rest."""
    size = weight = 0
    for job in queue:
        if size and weight + job.weight > _GROUP_PUTS:
            break
        size, weight = size + 1, weight + job.weight
    return queue[:size], queue[size:]


class _Unknown(Exception):
    """The connection was lost in a commit. `witness`: one version that it wrote."""

    def __init__(self, answers: list[Answer], witness: Sequence[object]) -> None:
        super().__init__()
        self.answers = answers
        self.witness = witness


class _Transaction:
    """One group of a tenant, once."""

    def __init__(self, jobs: Sequence[Job], find: Find, heard: set[Identity]) -> None:
        self._jobs = jobs
        self._find = find
        self._heard = heard

    async def run(self, connection: Connection) -> list[Answer]:
        transaction = connection.transaction()
        await transaction.start()
        try:
            group = Group(connection, self._jobs[0].tenant, self._find, self._heard)
            await group.begin(self._jobs, max(job.now for job in self._jobs))
            answers = [await self._take(group, job) for job in self._jobs]
            await group.flush()
        except BaseException:
            if not connection.is_closed():
                await _undone(transaction)
            raise
        try:
            await transaction.commit()
        except DRIVER_ERRORS as error:
            raise self._unknown(answers) or error from error
        self._heard.update(group.heard)
        return answers

    async def _take(self, group: Group, job: Job) -> Answer:
        try:
            return await group.take(job)
        except (Busy, Fault) as refusal:
            return refusal

    def _unknown(self, answers: list[Answer]) -> _Unknown | None:
        for job, answer in zip(self._jobs, answers, strict=True):
            if isinstance(answer, Receipt) and answer.versions:
                first, laid = answer.versions[0], job.laid[0]
                body = job.packed[0][1]
                return _Unknown(answers, (first.t, job.tenant, laid.ident, first.version, body))
        return None


async def _undone(transaction: asyncpg.transaction.Transaction) -> None:
    """Rolled back, if the connection still listens."""
    try:
        await transaction.rollback()
    except DRIVER_ERRORS:
        return


def _but(answer: Answer, error: CareplaneError) -> Answer:
    return error if isinstance(answer, Receipt) else answer


def _is_of_the_way(error: CareplaneError) -> bool:
    """Whether it came of the database, not of what one job asked for."""
    return isinstance(error, Busy) and "search" not in error.text and "large" not in error.text
