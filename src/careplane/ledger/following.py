"""Follows the store: every version, every batch of audit records and every change of a policy gets
its leaf, exactly once, in the order of commit.

How far it is stands in the log's own marks, in the transaction of the leaves; so it can be killed
at any moment and begun elsewhere. Writers wait for nothing of it. Versions are sealed in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote

import msgspec

from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, Conflict
from careplane.ledger.leaf import Kind, seal
from careplane.ledger.log import Log
from careplane.ledger.moved import Moved
from careplane.ledger.tree import entry_of
from careplane.ledger.versions import Values, audited, opening, seal_all
from careplane.storage.ports.audit import AuditStore
from careplane.storage.ports.ledger import LedgerStore
from careplane.storage.ports.records import RecordStore, Tenant

_AT_ONCE = 500
_AUDITED_AT_ONCE = 10_000
_REST_SECONDS = 0.2
_AUDIT_SECONDS = 1.0
POLICIES = "policies"
_GONE = sha256().hexdigest()


def versions_of(tenant: int) -> str:
    """The mark of a tenant's versions: their `t`."""
    return f"versions/{tenant}"


def audit_of(tenant: int) -> str:
    """The mark of a tenant's audit records: their sequence number."""
    return f"audit/{tenant}"


class _Policy(msgspec.Struct, array_like=True):
    revision: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Sources:
    """What is followed. `policies` are the texts of the rules of access that are in force, by name;
    they are asked for when it starts. `secret` is the installation's key for leaves."""

    records: RecordStore
    audit: AuditStore
    tenants: Callable[[], Sequence[Tenant]]
    policies: Callable[[], Mapping[str, str]]
    secret: bytes
    clock: Clock


class Follower:
    """One, beside the log that it appends to."""

    def __init__(self, log: Log, store: LedgerStore, sources: Sources) -> None:
        self._log, self._store, self._sources = log, store, sources
        self._marks: dict[str, int] = {}
        """Of versions, as this one has left them: so that to look whether there are new ones asks
        the log nothing."""

    async def run(self) -> None:
        """Until cancelled. Raises Conflict where the records are not those that have leaves."""
        for tenant in self._sources.tenants():
            await self.check(tenant)
        await self.policies()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._for_ever(self.versions, _REST_SECONDS))
            group.create_task(self._for_ever(self.audited, _AUDIT_SECONDS))

    async def caught_up(self) -> None:
        """Move what is there by now, and return."""
        for step in (self.policies, self.versions, self.audited):
            while await step():
                pass

    async def versions(self) -> bool:
        """Move the next versions of each tenant; whether there may be more at once."""
        more = False
        for tenant in self._sources.tenants():
            source = versions_of(tenant)
            mark = self._marks.pop(source, None)
            if mark is None:
                mark = await self._store.mark(source)
            page = await self._sources.records.changes(tenant, mark, _AT_ONCE)
            if page:
                leaves = await asyncio.to_thread(seal_all, tenant, page, self._sources.secret)
                await self._log.append(leaves, Moved({source: page[-1].t}, {source: mark}))
            self._marks[source] = page[-1].t if page else mark
            more |= len(page) == _AT_ONCE
        return more

    async def audited(self) -> bool:
        """The same of audit records: a leaf for as many as there are."""
        more = False
        for tenant in self._sources.tenants():
            source = audit_of(tenant)
            mark = await self._store.mark(source)
            some = await self._sources.audit.together(tenant, mark, _AUDITED_AT_ONCE)
            if some:
                now = self._sources.clock()
                leaf = await asyncio.to_thread(audited, tenant, some, now, self._sources.secret)
                await self._log.append([leaf], Moved({source: some.last}, {source: mark}))
            more |= some is not None and some.last - mark >= _AUDITED_AT_ONCE
        return more

    async def policies(self) -> bool:
        """A leaf for each rule of access that is new, changed or gone."""
        data = await self._store.note(POLICIES)
        known = msgspec.msgpack.decode(data, type=dict[str, _Policy]) if data else {}
        texts = self._sources.policies()
        now = {name: sha256(text.encode()).hexdigest() for name, text in texts.items()}
        changed = {name: now.get(name, _GONE) for name in {**known, **now}}
        changed = {n: sum for n, sum in changed.items() if n not in known or known[n].sha256 != sum}
        if not changed:
            return False
        leaves, mark = [], await self._store.mark(POLICIES)
        for name, sum in sorted(changed.items()):
            revision = known[name].revision + 1 if name in known else 1
            known[name] = _Policy(revision, sum)
            values: Values = {
                "tenant": 0, "name": quote(name), "revision": revision,
                "recorded": self._sources.clock(), "sha256": sum,
            }  # fmt: skip
            leaves.append(seal(Kind.POLICY, values, self._sources.secret))
        notes = {POLICIES: msgspec.msgpack.encode(known)}
        await self._log.append(leaves, Moved({POLICIES: mark + 1}, {POLICIES: mark}, notes))
        return False

    async def check(self, tenant: Tenant) -> None:
        """Whether the newest version that has a leaf is still there, as it was. Raises Conflict
        where the records are older than the log, or others."""
        mark = await self._store.mark(versions_of(tenant))
        entry = await entry_of(self._store, tenant, mark) if mark else None
        if entry is None or not entry.salt:
            return  # nothing has a leaf, or that version was erased
        found = await self._sources.records.changes(tenant, mark - 1, 1)
        same = found and found[0].t == mark
        if not same or not opening(tenant, found[0], entry, self._sources.secret):
            raise Conflict(
                f"The records of tenant {tenant} are older than the log, or others: restore both "
                "from one backup. No leaves are made until then."
            )

    async def _for_ever(self, step: Callable[[], Awaitable[bool]], rest: float) -> None:
        while True:
            try:
                more = await step()
            except Busy:
                more = False  # the store, or another process that moves the same: look again
            if not more:
                await asyncio.sleep(rest)
