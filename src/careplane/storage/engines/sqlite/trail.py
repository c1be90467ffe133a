"""AuditStore (storage.ports.audit) on SQLite: which files an installation's audit records pass
through, and who moves them (see spool, outbox, audit)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from careplane.storage.engines.sqlite.audit import AuditKeeper
from careplane.storage.engines.sqlite.connection import connect, damages
from careplane.storage.engines.sqlite.faults import complaints
from careplane.storage.engines.sqlite.migrate import made
from careplane.storage.engines.sqlite.outbox import RECORDS_FILE, Outbox, Source, inboxes
from careplane.storage.engines.sqlite.place import Place, taken
from careplane.storage.engines.sqlite.spool import Relieve, Spool, Spooled, segments
from careplane.storage.ports.audit import AuditQuery, Filing, Found, Together
from careplane.storage.ports.records import Tenant

if TYPE_CHECKING:
    from sqlite3 import Connection

AUDIT = "audit.sqlite"
_CACHE_KIB = 1_024
_INDEX_CACHE_KIB = 16_384
"""For who fills the index: its rows go everywhere in it."""


class Trail:
    """The audit trail of one data folder, as one process sees it."""

    def __init__(
        self,
        folder: Path,
        key: bytes,
        sync: Literal["FULL", "NORMAL"],
        open_records: Callable[[], Connection],
        relieve: Relieve,
    ) -> None:
        self._folder, self._key, self._sync = folder, key, sync
        audit = made(folder / AUDIT, lambda path: self._open(path, _INDEX_CACHE_KIB), "audit")
        audit.execute("PRAGMA wal_autocheckpoint = 0")  # the keeper does it
        self._place = Place(folder)
        self._records = Outbox(open_records())
        self._spools: dict[int, Spooled] = {}
        mine = self._spooled(self._place.number)
        own: dict[int, Source] = {RECORDS_FILE: self._records, self._place.number: mine}
        self._keeper = keeper = AuditKeeper(audit, own, self._others, self._trim_ended)
        with complaints():
            self._records.never_behind(keeper.moved(RECORDS_FILE))
            self._retire_inboxes()
            keeper.move(self._place.number, mine)
            after = keeper.moved(self._place.number)
            self._spool = Spool(folder, self._place, key, after, sync, relieve, keeper.wake)
            mine.fresh = self._spool.fresh
        keeper.start()

    def append(self, tenant: Tenant, record: bytes) -> Awaitable[None]:
        return self._spool.append(tenant, record)

    async def tail(self, tenant: Tenant, after: int, count: int) -> Sequence[tuple[int, bytes]]:
        return await asyncio.to_thread(self._keeper.tail, tenant, after, count)

    async def together(self, tenant: Tenant, after: int, count: int) -> Together | None:
        return await asyncio.to_thread(self._keeper.together, tenant, after, count)

    async def file(self, filing: Filing, count: int) -> int:
        return await asyncio.to_thread(self._keeper.file, filing, count)

    async def find(self, query: AuditQuery, filing: Filing) -> Sequence[Found]:
        return await asyncio.to_thread(self._keeper.find, query, filing)

    async def forget(self, tenant: Tenant, query: AuditQuery, filing: Filing) -> int:
        return await asyncio.to_thread(self._keeper.forget, tenant, query, filing)

    async def waiting(self) -> int:
        """Records that are durable, and not in the audit file yet."""
        return await asyncio.to_thread(self._keeper.waiting)

    def wake(self) -> None:
        """Units of work have left records in the outbox."""
        self._keeper.wake()

    def check(self) -> list[str]:
        """What is damaged, in words."""
        found = damages(self._folder / AUDIT, self._open)
        return found + [
            damage for place in segments(self._folder) for damage in self._spooled(place).damages()
        ]

    def close(self) -> None:
        self._spool.close()
        self._keeper.close()
        with complaints():
            self._records.connection.close()
        self._place.close()

    def _open(self, path: Path, cache_kib: int = _CACHE_KIB) -> Connection:
        return connect(path, self._key, sync=self._sync, cache_kib=cache_kib)

    def _spooled(self, place: int) -> Spooled:
        return Spooled(self._folder, place, self._key)

    def _others(self) -> Mapping[int, Spooled]:
        """Of other processes, those that have ended included."""
        places = segments(self._folder).keys() - {self._place.number}
        self._spools = {one: self._spools.get(one) or self._spooled(one) for one in places}
        return self._spools

    def _trim_ended(self, moved: Callable[[int], int]) -> None:
        for place, spooled in self._others().items():
            lock = taken(self._folder, place)
            if lock is not None:
                try:
                    spooled.trim(moved(place), ended=True)
                finally:
                    os.close(lock)

    def _retire_inboxes(self) -> None:
        for place, path in inboxes(self._folder).items():
            with closing(self._open(path)) as inbox:
                self._keeper.move(place, Outbox(inbox))
            if self._keeper.checkpoint():
                for file in self._folder.glob(f"{path.name}*"):
                    file.unlink(missing_ok=True)
