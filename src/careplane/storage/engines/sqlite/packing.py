"""Bodies of puts on their way to the file: under the keys of their patients, which are made where
there are none. Done by whoever asks, not by who writes, which is what a long import waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from careplane.storage.bodies import Packed
from careplane.storage.engines.sqlite.keys import SqliteKeys
from careplane.storage.engines.sqlite.versions import METHODS
from careplane.storage.keys.bodies import NotAtHand, Place, SealedBodies, patients_of
from careplane.storage.ports.records import Put, Tenant

_METHOD = {method: number for number, method in enumerate(METHODS)}


class Packing:
    """For one event loop."""

    def __init__(self, keys: SqliteKeys) -> None:
        self._keys = keys
        self._bodies = SealedBodies(keys.ring, keys.find)
        self._under_way = 0
        self._idle = asyncio.Event()

    async def pack(self, tenant: Tenant, puts: Sequence[Put]) -> list[Packed]:
        """The bodies, in the order of the puts; their keys are durable by then."""
        patients = patients_of(puts)
        while True:
            await self._have(tenant, patients)
            try:
                return self._bodies.pack(
                    [put.rest for put in puts],
                    [_METHOD[put.method] for put in puts],
                    [Place(tenant, put.type, put.id, put.expect + 1) for put in puts],
                    patients,
                )
            except NotAtHand:  # a thread that takes in the keys of others made room for them
                continue

    async def _have(self, tenant: Tenant, patients: Sequence[str]) -> None:
        if lacking := self._keys.lacking(tenant, patients):
            self._under_way += 1
            try:
                while lacking:
                    await asyncio.to_thread(self._keys.own, tenant, lacking)
                    lacking = self._keys.lacking(tenant, patients)
            finally:
                self._under_way -= 1
                self._idle.set()

    async def rest(self) -> None:
        """Returns when nothing is packed that was begun before."""
        while self._under_way:
            self._idle.clear()
            await self._idle.wait()
