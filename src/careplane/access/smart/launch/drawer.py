"""What is kept under a secret that only its holder knows: codes, launches, refresh tokens. The
StateStore has a hash of the secret, so that nobody who reads it can use one."""

from __future__ import annotations

import hashlib
import os
from base64 import urlsafe_b64encode
from typing import Generic, Protocol, TypeVar

import msgspec

from careplane.access.smart.standing import NOBODY
from careplane.kernel.clock import Clock
from careplane.storage.ports.state import StateStore

LONGEST_SECRET = 128
_RANDOM = 32
_PAGE = 1000


class Ends(Protocol):
    """Whatever is kept says until when, in seconds since 1970."""

    @property
    def until(self) -> int: ...


Value = TypeVar("Value", bound=Ends)


def secret() -> str:
    """43 characters that nobody can guess."""
    return urlsafe_b64encode(os.urandom(_RANDOM)).decode().rstrip("=")


class Drawer(Generic[Value]):
    """Values of one kind; each change is made once, whichever process makes it."""

    def __init__(self, state: StateStore, space: str, kind: type[Value], clock: Clock) -> None:
        self._state = state
        self._space = space
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._clock = clock

    async def add(self, value: Value) -> str:
        """Keep something new; the secret that it is found by."""
        made = secret()
        await self._state.put(NOBODY, self._space, _key(made), msgspec.msgpack.encode(value))
        return made

    async def find(self, held: str) -> tuple[Value, int] | None:
        """What is kept under a secret and has not ended, with its revision."""
        if not held or len(held) > LONGEST_SECRET:
            return None
        entry = await self._state.get(NOBODY, self._space, _key(held))
        if entry is None:
            return None
        value = self._decode(entry.value)
        return (value, entry.revision) if value.until > self._clock() // 1_000_000 else None

    async def change(self, held: str, value: Value, revision: int) -> bool:
        """Put another value in its place; whether nobody else did anything in between."""
        raw = msgspec.msgpack.encode(value)
        return bool(await self._state.put(NOBODY, self._space, _key(held), raw, revision))

    async def drop(self, held: str, revision: int | None = None) -> bool:
        """Forget it; whether it was there."""
        return await self._state.drop(NOBODY, self._space, _key(held), revision)

    async def sweep(self) -> None:
        """Forget what has ended."""
        now, after = self._clock() // 1_000_000, ""
        while True:
            page = await self._state.scan(NOBODY, self._space, after, _PAGE)
            for _, entry in page:
                if self._decode(entry.value).until <= now:
                    await self._state.drop(NOBODY, self._space, entry.key, entry.revision)
            if len(page) < _PAGE:
                return
            after = page[-1][1].key


def _key(held: str) -> str:
    return hashlib.sha256(held.encode("utf-8", "surrogatepass")).hexdigest()
