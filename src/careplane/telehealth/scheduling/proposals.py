"""What $find proposed, kept for a while, so that $hold and $book may name it by its id.

A proposal is not stored: its id says which search it is from, which of its schedules and visit
types, and when. One entry a search is kept, with the patients and what else was told, for an hour.
"""

from __future__ import annotations

import re

import msgspec

from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock
from careplane.kernel.ids import NewId
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore
from careplane.telehealth.scheduling.availability.rules import MINUTE
from careplane.telehealth.scheduling.visit import Wanted

_SPACE = "schedule-proposals"
_KEPT = 60 * MINUTE
_ID = re.compile(r"p([0-9a-f]{32})-(\d{1,4})-(\d{1,9})", re.ASCII)


class Found(msgspec.Struct, frozen=True, array_like=True):
    """One search: pairs of a Schedule's id, a visit type and its minutes; for whom; until when."""

    kinds: tuple[tuple[str, str, int], ...]
    patients: tuple[str, ...]
    more: tuple[tuple[str, Tree | list[Tree]], ...]
    until: int


class Proposals:
    """Over the state of an installation."""

    def __init__(self, state: StateStore, clock: Clock, new_id: NewId) -> None:
        self._state = state
        self._clock = clock
        self._new_id = new_id

    async def keep(
        self,
        tenant: Tenant,
        kinds: tuple[tuple[str, str, int], ...],
        patients: tuple[str, ...],
        more: tuple[tuple[str, Tree | list[Tree]], ...],
    ) -> str:
        """What ids of proposals begin with."""
        key = self._new_id().replace("-", "")
        found = Found(kinds, patients, more, self._clock() + _KEPT)
        await self._state.put(tenant, _SPACE, key, msgspec.msgpack.encode(found))
        return f"p{key}"

    async def wanted(self, tenant: Tenant, id: str) -> Wanted | None:
        """What a proposal is about; None for what is none, or is too old."""
        read = _ID.fullmatch(id)
        entry = await self._state.get(tenant, _SPACE, read[1]) if read else None
        if read is None or entry is None:
            return None
        found = msgspec.msgpack.decode(entry.value, type=Found)
        if found.until < self._clock() or int(read[2]) >= len(found.kinds):
            return None
        schedule, visit, minutes = found.kinds[int(read[2])]
        start = int(read[3]) * MINUTE
        end = start + minutes * MINUTE
        return Wanted(schedule, start, end, visit, found.patients, found.more)

    async def sweep(self, tenant: Tenant) -> None:
        """Forget what is too old."""
        after = ""
        while page := await self._state.scan(tenant, _SPACE, after, 500):
            for _, entry in page:
                if msgspec.msgpack.decode(entry.value, type=Found).until < self._clock():
                    await self._state.drop(tenant, _SPACE, entry.key)
            after = page[-1][1].key


def id_of(prefix: str, kind: int, start: int) -> str:
    """The id of a proposal; no more than 64 characters."""
    return f"{prefix}-{kind}-{start // MINUTE}"
