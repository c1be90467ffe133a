"""Where health links are kept: sealed, by patient, with an index of their secrets.

A change is made on condition that nobody else made one in between, so attempts and openings count
right however many come at once, and over many processes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

from careplane.kernel.errors import Busy
from careplane.sharing.links.link import Link, number_of
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

T = TypeVar("T")
_LINKS, _SECRETS = "health-links", "health-link-secrets"
_TRIES = 50
_PAGE = 200


class Seals(Protocol):
    """Authenticated encryption of small values, such as `rest.links.Pages`."""

    def seal(self, state: object) -> str:
        """A text that says nothing to others."""

    def open(self, text: str, kind: type[T]) -> T:
        """The value back, or Incorrect."""


class Kept(NamedTuple):
    """A link, at a revision."""

    link: Link
    revision: int


class Keeping:
    """Over the state of an installation."""

    def __init__(self, state: StateStore, seals: Seals) -> None:
        self._state = state
        self._seals = seals

    async def add(self, tenant: Tenant, link: Link) -> None:
        """A new one."""
        key = _key(link.patient, link.id)
        await self._state.put(tenant, _LINKS, key, self._seals.seal(link).encode())
        await self._state.put(tenant, _SECRETS, number_of(link.secret), key.encode())

    async def named(self, tenant: Tenant, patient: str, id: str) -> Kept | None:
        """One of a patient."""
        return await self._at(tenant, _key(patient, id))

    async def by_secret(self, tenant: Tenant, secret: str) -> Kept | None:
        """The one whose address has this secret; it is looked up by its hash alone."""
        entry = await self._state.get(tenant, _SECRETS, number_of(secret))
        return await self._at(tenant, entry.value.decode()) if entry else None

    async def of(self, tenant: Tenant, patient: str) -> list[Link]:
        """Those of a patient, the newest first."""
        found: list[Link] = []
        after = head = _key(patient, "")
        while page := await self._state.scan(tenant, _LINKS, after, _PAGE):
            mine = [entry for _, entry in page if entry.key.startswith(head)]
            found += [self._link(entry.value) for entry in mine]
            if len(mine) < len(page):
                break
            after = page[-1][1].key
        return sorted(found, key=lambda link: -link.created)

    async def change(
        self, tenant: Tenant, kept: Kept, change: Callable[[Link], Link | None]
    ) -> Link | None:
        """The link once it is changed. `change` may be called again with what others have made of
        it, and answers None where nothing is to be changed any more."""
        found: Kept | None = kept
        key = _key(kept.link.patient, kept.link.id)
        for _ in range(_TRIES):
            changed = change(found.link) if found else None
            if found is None or changed is None:
                return None
            sealed = self._seals.seal(changed).encode()
            if await self._state.put(tenant, _LINKS, key, sealed, found.revision) is not None:
                return changed
            found = await self._at(tenant, key)
        raise Busy("Too many open this link at once; try again.")

    async def drop(self, tenant: Tenant, link: Link) -> None:
        """As if it had never been."""
        await self._state.drop(tenant, _SECRETS, number_of(link.secret))
        await self._state.drop(tenant, _LINKS, _key(link.patient, link.id))

    async def everything(self) -> list[tuple[Tenant, Link]]:
        """Those of all tenants."""
        return [
            (tenant, self._link(entry.value))
            for tenant, entry in await self._state.scan(None, _LINKS, count=100_000)
        ]

    async def _at(self, tenant: Tenant, key: str) -> Kept | None:
        entry = await self._state.get(tenant, _LINKS, key)
        return Kept(self._link(entry.value), entry.revision) if entry else None

    def _link(self, value: bytes) -> Link:
        return self._seals.open(value.decode(), Link)


def _key(patient: str, id: str) -> str:
    return f"{patient}/{id}"
