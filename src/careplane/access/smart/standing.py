"""What has been revoked, kept in the StateStore and known to every process within seconds.

An entry names a token, what tokens end with (a grant, a code, a session), or a client whose tokens
of earlier generations are over. The generation of a client is the revision of its entry: it only
rises, needs no clocks that agree, and a client that was removed and registered anew does not get
its old tokens back. Each process looks once a second whether anything has changed; one that could
not look for some seconds lets nobody in.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable

import msgspec

from careplane.access.smart.tokens import Token
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, CareplaneError
from careplane.kernel.observe import describe
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import Entry, StateStore

NOBODY = Tenant(0)
"""Clients and tokens are of the installation; a client's tenant stands in its registration."""
_SPACE, _CHANGED = "oauth-revoked", "oauth-changed"
_LOOKED_SECONDS, _LOOKING_SECONDS = 1.0, 2.0
_BLIND_MICROSECONDS = 5_000_000
_MOST = 10_000
"""Above as many revoked tokens, all tokens of a client that revokes more are over."""
_PAGE = 1000
LONGEST_SECONDS = 86_400
"""No token lives longer that is issued to a client."""
_encode = msgspec.msgpack.encode
_until = msgspec.msgpack.Decoder(int).decode
_log = logging.getLogger(__name__)


class Standing:
    """What one process knows of it."""

    def __init__(self, state: StateStore, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._tokens: frozenset[str] = frozenset()
        self._ended: frozenset[str] = frozenset()
        self._generations: dict[str, int] = {}
        self._changed = -1
        self._looked = 0
        self._watching: asyncio.Task[None] | None = None

    def is_revoked(self, token: Token) -> bool:
        """As this process knows it. Raises Busy where it has been blind for too long."""
        if self._watching is not None and self._clock() - self._looked > _BLIND_MICROSECONDS:
            raise Busy("It is not known now whether the token has been revoked; come again.")
        if token.client and token.generation < self._generations.get(token.client, 0):
            return True
        if token.ends and not self._ended.isdisjoint(token.ends):
            return True
        return token.id in self._tokens

    def has_ended(self, id: str) -> bool:
        """Whether a grant, a code or a session is over, or the token that a session is of; as this
        process knows it."""
        return id in self._ended or id in self._tokens

    async def generation(self, client: str) -> int:
        """That of tokens which are issued to the client now."""
        entry = await self._state.get(NOBODY, _SPACE, _client_key(client))
        return entry.revision if entry else 0

    async def revoke(self, token: Token) -> None:
        """End one token: here at once, elsewhere within seconds."""
        if token.client and len(self._tokens) >= _MOST:
            await self.revoke_all(token.client)
            return
        await self._state.put(NOBODY, _SPACE, f"token/{token.id}", _encode(token.expires))
        await self._tell()

    async def end(self, id: str) -> None:
        """End every token that ends with this: a grant, a code, a session."""
        until = self._clock() // 1_000_000 + LONGEST_SECONDS
        await self._state.put(NOBODY, _SPACE, f"end/{id}", _encode(until))
        await self._tell()

    async def revoke_all(self, client: str) -> None:
        """End every token that the client has."""
        until = self._clock() // 1_000_000 + LONGEST_SECONDS
        await self._state.put(NOBODY, _SPACE, _client_key(client), _encode(until))
        await self._tell()

    async def look(self) -> None:
        """Learn what has changed."""
        began = self._clock()
        entry = await self._state.get(NOBODY, _CHANGED, "last")
        changed = entry.revision if entry else 0
        if changed != self._changed:
            found = [one async for one in self._all()]
            self._tokens = _named(found, "token/")
            self._ended = _named(found, "end/")
            self._generations = {
                one.key.removeprefix("client/"): one.revision
                for one in found
                if one.key.startswith("client/")
            }
            self._changed = changed
        self._looked = began

    async def watch(self) -> None:
        """Look now and every second, and from now on let nobody in while nothing can be seen."""
        if self._watching is None:
            await self._look_again()
            self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Look no more."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    async def sweep(self) -> None:
        """Forget what has ended by itself. Another process may do the same."""
        now = self._clock() // 1_000_000
        async for entry in self._all():
            if _until(entry.value) < now:
                await self._state.drop(NOBODY, _SPACE, entry.key, entry.revision)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOKED_SECONDS)
            await self._look_again()

    async def _look_again(self) -> None:
        try:
            async with asyncio.timeout(_LOOKING_SECONDS):
                await self.look()
        except (CareplaneError, OSError) as error:  # a TimeoutError is an OSError
            _log.warning("Revoked tokens cannot be looked up: %s", describe(error))

    async def _tell(self) -> None:
        await self._state.put(NOBODY, _CHANGED, "last", b"")
        await self.look()

    async def _all(self) -> AsyncIterator[Entry]:
        after = ""
        while True:
            page = await self._state.scan(NOBODY, _SPACE, after, _PAGE)
            for _, entry in page:
                yield entry
            if len(page) < _PAGE:
                return
            after = page[-1][1].key


def _named(entries: Iterable[Entry], kind: str) -> frozenset[str]:
    return frozenset(one.key.removeprefix(kind) for one in entries if one.key.startswith(kind))


def _client_key(client: str) -> str:
    return f"client/{client}"
