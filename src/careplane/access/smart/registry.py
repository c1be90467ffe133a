"""The registered clients of an installation, in the StateStore; and the assertions that they have
used."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from careplane.access.here import IsHere, anywhere
from careplane.access.smart.client import Client
from careplane.access.smart.registration import check, is_id
from careplane.access.smart.standing import NOBODY
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Conflict, NotFound
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

_CLIENTS, _USED = "oauth-client", "oauth-assertion"
_PAGE = 1000
_encode = msgspec.msgpack.encode
_client = msgspec.msgpack.Decoder(Client).decode
_until = msgspec.msgpack.Decoder(int).decode


class Clients:
    """Every process sees the same. Raises NotFound for a client that is not there. At the address
    of another tenant (`is_here`), there is no such client."""

    def __init__(self, state: StateStore, is_here: IsHere = anywhere) -> None:
        self._state = state
        self._is_here = is_here

    async def add(self, client: Client) -> None:
        """Register. Raises Conflict where the id is taken, Incorrect where it is no client that
        could be."""
        check(client)
        if not await self._state.put(NOBODY, _CLIENTS, client.id, _encode(client), expect=0):
            raise Conflict(f"There is a client {client.id} already.")

    async def find(self, id: str) -> Client | None:
        """The client, disabled or not."""
        if not is_id(id):
            return None
        entry = await self._state.get(NOBODY, _CLIENTS, id)
        client = _client(entry.value) if entry else None
        return client if client and self._is_here(Tenant(client.tenant)) else None

    async def get(self, id: str) -> Client:
        """The client."""
        found = await self.find(id)
        if found is None:
            raise NotFound(f"There is no client {id[:64]!r}; see careplane client list.")
        return found

    async def all(self) -> list[Client]:
        """All of them, by id."""
        found: list[Client] = []
        while True:
            after = found[-1].id if found else ""
            page = await self._state.scan(NOBODY, _CLIENTS, after, _PAGE)
            found += [_client(entry.value) for _, entry in page]
            if len(page) < _PAGE:
                return found

    async def change(self, id: str, change: Callable[[Client], Client]) -> Client:
        """Change one; the client as it is then."""
        while True:
            entry = await self._state.get(NOBODY, _CLIENTS, id) if is_id(id) else None
            if entry is None:
                raise NotFound(f"There is no client {id[:64]!r}; see careplane client list.")
            then = replace(change(_client(entry.value)), id=id)
            if await self._state.put(NOBODY, _CLIENTS, id, _encode(then), entry.revision):
                return then

    async def remove(self, id: str) -> None:
        """Take one out."""
        await self.get(id)
        await self._state.drop(NOBODY, _CLIENTS, id)


class Used:
    """Assertions that were used, so that none is used twice, on any process or after a restart."""

    def __init__(self, state: StateStore, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    async def use(self, client: str, jti: str, until: int) -> bool:
        """Whether this is the first time; it is kept past `until`, in seconds since 1970."""
        key = hashlib.sha256(f"{client}\0{jti}".encode("utf-8", "surrogatepass")).hexdigest()
        return bool(await self._state.put(NOBODY, _USED, key, _encode(until), expect=0))

    async def sweep(self) -> None:
        """Forget those that have expired for a minute; they would be refused for that."""
        over, after = self._clock() // 1_000_000 - 60, ""
        while True:
            page = await self._state.scan(NOBODY, _USED, after, _PAGE)
            for _, entry in page:
                if _until(entry.value) < over:
                    await self._state.drop(NOBODY, _USED, entry.key, entry.revision)
            if len(page) < _PAGE:
                return
            after = page[-1][1].key
