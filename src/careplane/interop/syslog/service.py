"""The service: follows the trail and sends each record at least once.

Syslog has no acknowledgement: what was written into a connection that breaks may be lost on the
way. So the mark of what was sent follows one batch behind, and after a break the last `OVERLAP`
records before it are sent again. A receiver tells by `sequenceId` what it has had."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from careplane.interop.syslog.message import message
from careplane.interop.syslog.stream import LOST, Stream
from careplane.kernel.observe import describe
from careplane.ledger.trail import Trail
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

OVERLAP = 1_000
_BATCH = 200
_SPACE, _KEY = "syslog", "mark"
_IDLE_SECONDS = 1.0
_FIRST_SECONDS, _LONGEST_SECONDS = 1.0, 60.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where to, and how: `form` is one of message.PAYLOADS, `name` what this host is called."""

    host: str
    port: int
    context: ssl.SSLContext
    form: str
    name: str


class Sending:
    """Sends the trails of the tenants that there are."""

    def __init__(
        self,
        trail: Trail,
        state: StateStore,
        tenants: Callable[[], Sequence[Tenant]],
        receiver: Receiver,
    ) -> None:
        self._trail = trail
        self._state = state
        self._tenants = tenants
        self._to = receiver
        self._wait = _FIRST_SECONDS

    async def __call__(self) -> None:
        """For ever: connect, send, and connect again, less and less often while nobody is there."""
        while True:
            try:
                await self.connected()
            except LOST as error:
                _log.warning("The audit receiver is gone, trying again: %s", describe(error))
            await asyncio.sleep(self._wait)
            self._wait = min(self._wait * 2, _LONGEST_SECONDS)

    async def connected(self) -> None:
        """One connection, until it is lost."""
        stream = await Stream.opened(self._to.host, self._to.port, self._to.context)
        try:
            at: dict[Tenant, int] = {}
            while True:
                for one in self._tenants():
                    if one not in at:
                        at[one] = max(0, await self._mark(one) - OVERLAP)
                sent = [await self._batch(stream, at, tenant) for tenant in tuple(at)]
                if not any(sent):
                    await asyncio.sleep(_IDLE_SECONDS)
                    stream.require()
                    for tenant, seq in at.items():
                        await self._note(tenant, seq)
        finally:
            await stream.close()

    async def _batch(self, stream: Stream, at: dict[Tenant, int], tenant: Tenant) -> bool:
        entries = await self._trail.tail(tenant, at[tenant], _BATCH)
        if not entries:
            return False
        await stream.send(message(entry, self._to.name, self._to.form) for entry in entries)
        self._wait = _FIRST_SECONDS
        await self._note(tenant, at[tenant])
        at[tenant] = entries[-1].seq
        return True

    async def _mark(self, tenant: Tenant) -> int:
        entry = await self._state.get(tenant, _SPACE, _KEY)
        return int(entry.value) if entry else 0

    async def _note(self, tenant: Tenant, seq: int) -> None:
        if seq > await self._mark(tenant):
            await self._state.put(tenant, _SPACE, _KEY, b"%d" % seq)
