"""Receipts of versions, for whoever may read the version: that is decided elsewhere."""

from __future__ import annotations

import asyncio

from careplane.kernel.errors import Busy, NotFound
from careplane.ledger.formats.proof import Receipt
from careplane.ledger.reading import Reading
from careplane.ledger.tree import entry_of, place_of
from careplane.ledger.versions import opening
from careplane.storage.ports.ledger import LedgerStore
from careplane.storage.ports.records import Tenant, Version

_LOOK_SECONDS = 0.1


class Receipts:
    """Of one log. `secret` is the installation's key for leaves."""

    def __init__(self, store: LedgerStore, reading: Reading, secret: bytes) -> None:
        self._store, self._reading, self._secret = store, reading, secret

    async def of(self, tenant: Tenant, version: Version) -> Receipt:
        """That a version is in the log. Raises Busy where it will be in the next checkpoint,
        NotFound where its leaf was erased, was lost or is not of it."""
        number = await place_of(self._store, tenant, version.t)
        if number is None:
            raise Busy("The version has no leaf yet: try again in a few seconds.")
        entry = await entry_of(self._store, tenant, version.t)
        opened = entry and opening(tenant, version, entry, self._secret)
        if not opened:
            raise NotFound("The log has no leaf of this version that can be opened.")
        return await self._reading.receipt(number, opened)

    async def awaited(self, tenant: Tenant, version: Version, seconds: float) -> Receipt:
        """The same, once it is in a checkpoint; Busy where that takes longer."""
        until = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                return await self.of(tenant, version)
            except Busy:
                if asyncio.get_running_loop().time() > until:
                    raise
            await asyncio.sleep(_LOOK_SECONDS)
