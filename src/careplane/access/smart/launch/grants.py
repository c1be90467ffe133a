"""What people have allowed apps: one grant for each person and app, remembered until the person
ends it. Every token of an app that acts for a person ends with the grant."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from careplane.access.smart.standing import Standing
from careplane.kernel.clock import Clock
from careplane.kernel.ids import secret_id
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import Entry, StateStore

_SPACE = "oauth-grant"
_PAGE = 1000


class Grant(Struct, frozen=True, array_like=True):
    """`offered` is what was on the consent screen, `scopes` what was allowed of it, `patients`
    whose records; `given` is in microseconds since 1970. `id` is new where the person allows less
    than is offered: what the app held before is over then, and it holds no more than that."""

    id: str
    client: str
    person: str
    offered: tuple[str, ...]
    scopes: tuple[str, ...]
    patients: tuple[str, ...]
    given: int

    def covers(self, offered: tuple[str, ...], patient: str) -> bool:
        """Whether the person has been asked this before."""
        return set(offered) <= set(self.offered) and (not patient or patient in self.patients)


class Grants:
    """Kept in the StateStore, of the person's tenant."""

    def __init__(self, state: StateStore, standing: Standing, clock: Clock) -> None:
        self._state = state
        self._standing = standing
        self._clock = clock
        self._decode = msgspec.msgpack.Decoder(Grant).decode

    async def find(self, tenant: Tenant, person: str, client: str) -> Grant | None:
        """What the person has allowed the app."""
        entry = await self._entry(tenant, person, client)
        return self._decode(entry.value) if entry else None

    async def of(self, tenant: Tenant, person: str) -> list[Grant]:
        """All that a person has allowed, the newest first."""
        found = [grant async for grant in self._of(tenant, person)]
        return sorted(found, key=lambda grant: -grant.given)

    async def give(
        self,
        tenant: Tenant,
        person: str,
        client: str,
        offered: tuple[str, ...],
        scopes: tuple[str, ...],
        patient: str,
    ) -> Grant:
        """Remember what a person allows now. Where that is all that was offered, it adds to what
        was allowed before; else it takes its place."""
        while True:
            entry = await self._entry(tenant, person, client)
            old = self._decode(entry.value) if entry else None
            made = Grant(
                secret_id(), client, person, offered, scopes,
                (patient,) if patient else (), self._clock(),
            )  # fmt: skip
            if old and set(offered) == set(scopes):
                made = replace(
                    made,
                    id=old.id,
                    offered=_both(old.offered, offered),
                    scopes=_both(old.scopes, scopes),
                    patients=_both(old.patients, made.patients),
                )
            raw, revision = msgspec.msgpack.encode(made), entry.revision if entry else 0
            if await self._state.put(tenant, _SPACE, _key(person, client), raw, revision):
                if old and old.id != made.id:
                    await self._standing.end(old.id)
                return made

    async def end(self, tenant: Tenant, person: str, client: str) -> Grant | None:
        """Take it back: no token of it is good any more, and no new one is given."""
        entry = await self._entry(tenant, person, client)
        if entry is None:
            return None
        grant = self._decode(entry.value)
        await self._state.drop(tenant, _SPACE, _key(person, client))
        await self._standing.end(grant.id)
        return grant

    async def end_all(self, tenant: Tenant, person: str) -> None:
        """Take back all that a person has allowed, as where an account is closed."""
        for grant in await self.of(tenant, person):
            await self.end(tenant, person, grant.client)

    async def _entry(self, tenant: Tenant, person: str, client: str) -> Entry | None:
        return await self._state.get(tenant, _SPACE, _key(person, client))

    async def _of(self, tenant: Tenant, person: str) -> AsyncIterator[Grant]:
        prefix = _key(person, "")
        after = prefix
        while True:
            page = await self._state.scan(tenant, _SPACE, after, _PAGE)
            for _, entry in page:
                if not entry.key.startswith(prefix):
                    return
                yield self._decode(entry.value)
            if len(page) < _PAGE:
                return
            after = page[-1][1].key


def _both(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*old, *new)))


def _key(person: str, client: str) -> str:
    return f"{hashlib.sha256(person.encode()).hexdigest()[:32]}/{client}"
