"""What is good once and for a while: challenges that need no store until they are used, and the
list of those that were."""

from __future__ import annotations

import hashlib
import hmac
import os

import msgspec

from careplane.access.people.refusal import NotProven
from careplane.kernel.clock import Clock
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

_USED = "people-used"
_NOBODY = Tenant(0)
_PAGE = 1000
_RANDOM, _TIME, _TAG = 16, 8, 16
_SECONDS = 300
_STALE = "This took too long, or was done already. Try again."
_until = msgspec.msgpack.Decoder(int).decode


class Challenges:
    """Bytes that only this installation makes, for one purpose and one subject (a session, an
    invitation), good for five minutes and once. `key` is 32 secret bytes. Whoever asks for many
    fills nothing."""

    def __init__(self, state: StateStore, key: bytes, clock: Clock) -> None:
        self._state = state
        self._key = key
        self._clock = clock

    def make(self, purpose: str, subject: str = "") -> bytes:
        """A new one."""
        until = self._clock() // 1_000_000 + _SECONDS
        head = os.urandom(_RANDOM) + until.to_bytes(_TIME, "big")
        return head + self._tag(head, purpose, subject)

    def check(self, challenge: bytes, purpose: str, subject: str = "") -> None:
        """Raises NotProven for one that was not made for this, or too long ago."""
        head = challenge[: _RANDOM + _TIME]
        tag = self._tag(head, purpose, subject)
        if not hmac.compare_digest(challenge[_RANDOM + _TIME :], tag):
            raise NotProven("challenge", _STALE)
        if int.from_bytes(head[_RANDOM:], "big") <= self._clock() // 1_000_000:
            raise NotProven("challenge", _STALE)

    async def use(self, challenge: bytes) -> None:
        """Raises NotProven where it has been used, on whichever process."""
        key = hashlib.sha256(challenge).hexdigest()
        until = self._clock() // 1_000_000 + _SECONDS
        value = msgspec.msgpack.encode(until)
        if not await self._state.put(_NOBODY, _USED, key, value, expect=0):
            raise NotProven("challenge used", _STALE)

    async def sweep(self) -> None:
        """Forget those that would be refused for their age."""
        over, after = self._clock() // 1_000_000 - 60, ""
        while True:
            page = await self._state.scan(_NOBODY, _USED, after, _PAGE)
            for _, entry in page:
                if _until(entry.value) < over:
                    await self._state.drop(_NOBODY, _USED, entry.key, entry.revision)
            if len(page) < _PAGE:
                return
            after = page[-1][1].key

    def _tag(self, head: bytes, purpose: str, subject: str) -> bytes:
        said = b"\0".join((head, purpose.encode(), subject.encode()))
        return hmac.digest(self._key, said, hashlib.sha256)[:_TAG]
