"""The ledger with the settings of an installation: its log, who follows the store, what others may
ask of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from careplane.access.caller import Caller
from careplane.app import engines
from careplane.app.dispatch import App
from careplane.app.identity import identity_of, policy_of
from careplane.app.keys import Keys
from careplane.app.policing import texts_of
from careplane.app.settings import Settings
from careplane.app.stamping import stamping_of
from careplane.kernel.clock import Clock
from careplane.kernel.errors import CareplaneError
from careplane.ledger import server
from careplane.ledger.anchor import AnchorFile
from careplane.ledger.erasing import Erasing, Named
from careplane.ledger.following import Follower, Sources
from careplane.ledger.log import COSIGNED, SIGNED, Log
from careplane.ledger.reading import Reading
from careplane.ledger.receipts import Receipts
from careplane.ledger.witness.asking import Witnesses
from careplane.storage.ports.engine import Engine
from careplane.storage.ports.ledger import LedgerStore
from careplane.storage.ports.records import Tenant, Version

if TYPE_CHECKING:
    import httpx

    from careplane.ledger.stamping import Stamping

ANCHOR = "ledger.anchor"
_AGAIN_SECONDS = 30.0
_WAIT_SECONDS = 6.0
_log = logging.getLogger(__name__)


class Ledgering:
    """One installation's. The log is opened when it is first needed."""

    def __init__(
        self,
        settings: Settings,
        key: Keys,
        records: Engine,
        tenants: Callable[[], Sequence[Tenant]],
        clock: Clock,
    ) -> None:
        """Raises Incorrect for a policy file that cannot be used."""
        self.is_on = settings.ledger
        self._settings, self._keys, self._clock = settings, key, clock
        self._records = records
        self.identity = identity_of(settings, key)
        self.policy_text, self.policy = policy_of(settings, self.identity)
        self.anchors = AnchorFile(anchor_path(settings))
        self.secret = key.derive("ledger-leaves")
        rules = cache(lambda: texts_of(settings))  # as they were read at the start
        self.sources = Sources(records, records, tenants, rules, self.secret, clock)

    @cached_property
    def store(self) -> LedgerStore:
        """Where the log is kept."""
        return engines.ledger(self._settings, self._keys)

    @property
    def witnessed(self) -> bool:
        """Whether receipts are of checkpoints that witnesses cosigned."""
        return not self.policy.satisfied(set())

    @cached_property
    def reading(self) -> Reading:
        """What everybody may see."""
        return Reading(self.store, cosigned=self.witnessed)

    @cached_property
    def receipts(self) -> Receipts:
        """What whoever may read a version may have."""
        return Receipts(self.store, self.reading, self.secret)

    @cached_property
    def erasing(self) -> Erasing:
        """The door for whoever removes versions for good."""
        return Erasing(
            self.log(),
            self.store,
            self._records,
            self.secret,
            self._clock,
            follows=self.is_on,
            catch_up=self._caught_up,
        )

    async def _caught_up(self) -> None:
        """Leaves of all versions that are there by now; whoever leads may do the same meanwhile."""
        follower = Follower(self.log(), self.store, self.sources)
        while await follower.versions():
            pass

    def log(self) -> Log:
        """The log, to be opened, or to be appended to beside the one that signs."""
        return Log(self.store, self.anchors, self.identity, self._clock, witnessed=self.witnessed)

    def app(self) -> App:
        """What stands below `/ledger/`."""

        async def told() -> bytes:
            return self.policy_text

        return server.application(lambda: self.reading, told)

    async def receipt(self, caller: Caller, version: Version) -> bytes:
        """The receipt of a version that the caller may read, waited for. Raises Busy, NotFound."""
        return bytes(await self.receipts.awaited(caller.tenant, version, _WAIT_SECONDS))

    async def forget(self, tenant: Tenant, versions: Sequence[Named]) -> None:
        """These versions will be removed for good: their leaves are of nothing any more."""
        await self.erasing.erase_patient(tenant, versions)

    async def serve(self) -> None:
        """A service of the process that leads. What an operator has to look at is logged, and
        tried again after a while."""
        try:
            await self._served()
        except* CareplaneError as group:
            for error in _each(group):
                _log.error("The ledger stands still: %s", error.text)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _served(self) -> None:
        log = self.log()
        await log.open()
        follower = Follower(log, self.store, self.sources)
        async with AsyncExitStack() as stack:
            asking = stamps = None
            if self.witnessed or self._settings.ledger_tsa:
                import httpx

                http = await stack.enter_async_context(httpx.AsyncClient())
                asking = Witnesses(self.policy, http) if self.witnessed else None
                stamps = self._stamping(http) if self._settings.ledger_tsa else None
            group = await stack.enter_async_context(asyncio.TaskGroup())
            group.create_task(log.run(asking))
            group.create_task(follower.run())
            if stamps is not None:
                group.create_task(stamps.run())

    def _stamping(self, http: httpx.AsyncClient) -> Stamping:
        source = COSIGNED if self.witnessed else SIGNED
        return stamping_of(self._settings, self.store, source, http, self._clock)

    async def close(self) -> None:
        """Let go of the log, where it was opened."""
        if "store" in self.__dict__:
            await self.store.close()


def anchor_path(settings: Settings) -> Path:
    """Where the newest checkpoint is kept apart from the log."""
    return Path(settings.ledger_anchor) if settings.ledger_anchor else settings.data / ANCHOR


def _each(group: BaseExceptionGroup[CareplaneError]) -> list[CareplaneError]:
    found: list[CareplaneError] = []
    for one in group.exceptions:
        found += _each(one) if isinstance(one, BaseExceptionGroup) else [one]
    return found
