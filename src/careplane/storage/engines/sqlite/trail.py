"""AuditStore (storage.ports.audit) on SQLite: which files an installation's audit records pass
through, and who moves them (see audit, inbox)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from careplane.storage.engines.sqlite.audit import (
    RECORDS_FILE,
    AuditAppender,
    AuditKeeper,
    Relieve,
)
from careplane.storage.engines.sqlite.connection import connect, damages
from careplane.storage.engines.sqlite.faults import complaints
from careplane.storage.engines.sqlite.inbox import Place, inboxes
from careplane.storage.engines.sqlite.migrate import made
from careplane.storage.ports.audit import AuditQuery, Filing, Found
from careplane.storage.ports.records import Tenant

if TYPE_CHECKING:
    from sqlite3 import Connection

AUDIT = "audit.sqlite"
_CACHE_KIB = 1_024
_INDEX_CACHE_KIB = 16_384
"""For who fills the index: its rows go everywhere in it."""


class Trail:
    """The audit trail of one data folder, as one process sees it. `shared`: other processes serve
    the same folder, so records take the way through an inbox."""

    def __init__(
        self,
        folder: Path,
        key: bytes,
        sync: Literal["FULL", "NORMAL"],
        open_records: Callable[[], Connection],
        relieve: Relieve,
        *,
        shared: bool,
    ) -> None:
        self._folder, self._key, self._sync = folder, key, sync
        made(folder / AUDIT, self._open, "audit").close()
        self._place = Place(folder) if shared else None
        own = {RECORDS_FILE: open_records()}
        if self._place is None:
            self._mine = self._open(folder / AUDIT)
        else:
            self._mine = made(self._place.path, self._open, "inbox")
            own[self._place.number] = self._open(self._place.path)
        self._mine.execute("PRAGMA wal_autocheckpoint = 0")  # the keeper does it
        self._appender = AuditAppender(self._mine, "outbox" if self._place else "audit", relieve)
        self._keeper = AuditKeeper(self._open(folder / AUDIT, _INDEX_CACHE_KIB), own, self._others)

    async def append(self, tenant: Tenant, record: bytes) -> None:
        await self._appender.append(tenant, record)
        self._keeper.wake()

    async def tail(self, tenant: Tenant, after: int, count: int) -> Sequence[tuple[int, bytes]]:
        return await asyncio.to_thread(self._keeper.tail, tenant, after, count)

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
        paths = [self._folder / AUDIT, *inboxes(self._folder).values()]
        return [line for path in paths for line in damages(path, self._open)]

    def close(self) -> None:
        self._keeper.close()
        with complaints():
            self._mine.close()
        if self._place is not None:
            self._place.close()

    def _open(self, path: Path, cache_kib: int = _CACHE_KIB) -> Connection:
        return connect(path, self._key, sync=self._sync, cache_kib=cache_kib)

    @contextmanager
    def _others(self) -> Iterator[dict[int, Connection]]:
        """Inboxes of other processes, those that have ended included."""
        own = self._place.number if self._place else RECORDS_FILE
        with ExitStack() as opened:
            yield {
                number: opened.enter_context(closing(made(path, self._open, "inbox")))
                for number, path in inboxes(self._folder).items()
                if number != own
            }
