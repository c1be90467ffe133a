"""Refresh tokens (RFC 6749, 6; OAuth 2.1, 4.3): each is used once and answered with the next one.
One that comes again was copied, and nobody knows by whom: all of its family ends.

A token is a name, which its family keeps, and a secret of its own; the store has a hash of both.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from careplane.access.smart.client import Client
from careplane.access.smart.launch.codes import Given
from careplane.access.smart.launch.drawer import Drawer, secret
from careplane.access.smart.refusal import Refused
from careplane.access.smart.standing import Standing
from careplane.kernel.clock import Clock
from careplane.storage.ports.state import StateStore

_SPACE = "oauth-refresh"


class Family(Struct, frozen=True, array_like=True):
    """The line of tokens that one code has begun; `current` is a hash of the secret of the last."""

    until: int
    current: bytes
    given: Given


class Refreshing:
    """The families that go on."""

    def __init__(self, state: StateStore, standing: Standing, clock: Clock) -> None:
        self._drawer = Drawer(state, _SPACE, Family, clock)
        self._standing = standing
        self._clock = clock
        self.sweep = self._drawer.sweep

    async def begin(self, given: Given, until: int) -> str:
        """The first token of a family that ends at `until`, in seconds since 1970."""
        first = secret()
        name = await self._drawer.add(Family(until, _hash(first), given))
        return f"{name}.{first}"

    async def use(self, held: str, client: Client) -> tuple[str, Given]:
        """The next token, and what was given. Raises Refused (invalid_grant)."""
        name, family, revision = await self._find(held)
        if family.given.client != client.id:
            raise _refused()
        if not _is_current(held, family):
            await self._end(name, family)
            raise Refused(
                "invalid_grant", "The refresh token has been used; all that came of it is over."
            )
        await self._standing.look()
        if any(map(self._standing.has_ended, family.given.ends)):
            await self._drawer.drop(name)
            raise _refused()
        following = secret()
        if not await self._drawer.change(name, replace(family, current=_hash(following)), revision):
            await self._end(name, family)
            raise Refused("invalid_grant", "The refresh token was used twice at once; it is over.")
        return f"{name}.{following}", family.given

    async def client_of(self, held: str) -> str:
        """Whose family a token is of. Raises Refused."""
        _, family, _ = await self._find(held)
        return family.given.client

    async def seen(self, held: str) -> tuple[Given, int] | None:
        """What a token that is good stands for, and until when it is; without using it."""
        try:
            _, family, _ = await self._find(held)
        except Refused:
            return None
        await self._standing.look()
        over = any(map(self._standing.has_ended, family.given.ends))
        return None if over or not _is_current(held, family) else (family.given, family.until)

    async def end(self, held: str) -> None:
        """End the family of a token."""
        name, family, _ = await self._find(held)
        await self._end(name, family)

    async def _end(self, name: str, family: Family) -> None:
        await self._drawer.drop(name)
        await self._standing.end(family.given.family)

    async def _find(self, held: str) -> tuple[str, Family, int]:
        name, _, _ = held.partition(".")
        found = await self._drawer.find(name)
        if found is None:
            raise _refused()
        return name, *found


def _is_current(held: str, family: Family) -> bool:
    return hmac.compare_digest(_hash(held.partition(".")[2]), family.current)


def _hash(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def _refused() -> Refused:
    return Refused("invalid_grant", "The refresh token is unknown, over, or of another client.")
