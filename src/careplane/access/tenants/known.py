"""The institutions as one process knows them: what each request is looked up in.

Nothing is asked of the store for a request. A process that serves looks once a second whether the
register has changed, so an institution that was added, renamed or disabled is known everywhere
within seconds, without a restart. While the store cannot be reached, what was known stays so; no
token is believed then either (see smart.standing).
"""

from __future__ import annotations

import asyncio
import logging

from careplane.access.tenants.institution import Institution
from careplane.access.tenants.register import BOOK, EMPTY, NOBODY, SPACE, Book, read
from careplane.kernel.clock import Clock
from careplane.kernel.errors import CareplaneError
from careplane.kernel.observe import describe
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

_LOOKED_SECONDS, _LOOKING_SECONDS = 1.0, 2.0
_STALE_MICROSECONDS = 1_000_000
_log = logging.getLogger(__name__)


class Tenants:
    """Those that are not disabled, by number, by name and by host name. `has_hosts`: some have a
    host name of their own; `has_quotas`: some may send so many requests only."""

    def __init__(self, state: StateStore, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._revision = -1
        self._looked = -_STALE_MICROSECONDS
        self._watching: asyncio.Task[None] | None = None
        self._know(EMPTY)

    def all(self) -> tuple[Institution, ...]:
        """In order of their numbers."""
        return tuple(self._by_number.values())

    def by_number(self, tenant: Tenant) -> Institution | None:
        """None where there is none, or it is disabled; so below."""
        return self._by_number.get(tenant)

    def by_name(self, name: str) -> Institution | None:
        return self._by_name.get(name)

    def by_host(self, host: str) -> Institution | None:
        """By a host name of its own, in lower case and without a port."""
        return self._by_host.get(host)

    def is_closed(self, host: str) -> bool:
        """Whether it is the host name of one that is disabled."""
        return host in self._closed

    def is_stale(self) -> bool:
        """Whether nobody watches and it is a while since somebody looked."""
        return self._watching is None and self._clock() - self._looked >= _STALE_MICROSECONDS

    async def look(self) -> None:
        """Learn what has changed."""
        began = self._clock()
        entry = await self._state.get(NOBODY, SPACE, BOOK)
        revision = entry.revision if entry else 0
        if revision != self._revision:
            self._know(read(entry.value) if entry else EMPTY)
            self._revision = revision
        self._looked = began

    async def watch(self) -> None:
        """Look now, and every second from now on."""
        if self._watching is None:
            await self._look_again()
            self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Look no more."""
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    def _know(self, book: Book) -> None:
        here = [one for one in book.institutions if not one.disabled]
        self._by_number = {one.tenant: one for one in here}
        self._by_name = {one.name: one for one in here}
        self._by_host = {one.host: one for one in here if one.host}
        self._closed = {one.host for one in book.institutions if one.disabled and one.host}
        self.has_hosts = bool(self._by_host or self._closed)
        self.has_quotas = any(one.most_requests for one in here)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOKED_SECONDS)
            await self._look_again()

    async def _look_again(self) -> None:
        try:
            async with asyncio.timeout(_LOOKING_SECONDS):
                await self.look()
        except (CareplaneError, OSError) as error:  # a TimeoutError is an OSError
            _log.warning("Institutions cannot be looked up: %s", describe(error))
