"""Keys that this installation signs id tokens with (RFC 7517, RFC 7518): RSA of 3072 bits for
RS256, which every OpenID client must know. A new one each month; the one before and the one to come
are published as well. All processes and nodes use the same, from the StateStore, sealed."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.jwk import RSAKey

from careplane.access.smart.standing import NOBODY
from careplane.kernel.clock import Clock
from careplane.storage.ports.state import StateStore

ALGORITHM = "RS256"
PERIOD_SECONDS = 30 * 86_400
_SPACE = "oauth-signing"
_BITS = 3072
_NONCE = 12
_PAGE = 1000


class SigningKeys:
    """`key` is 32 secret bytes that the private keys are sealed under."""

    def __init__(self, state: StateStore, key: bytes, clock: Clock) -> None:
        self._state = state
        self._seal = AESGCM(key)
        self._clock = clock
        self._known: dict[int, RSAKey] = {}

    async def current(self) -> RSAKey:
        """The key to sign with now."""
        return await self._of(self._period())

    async def published(self) -> dict[str, Any]:
        """The JWK Set that id tokens are verified by."""
        now = self._period()
        keys = [await self._of(now), await self._of(now + 1)]
        before = await self._kept(now - 1)
        return {
            "keys": [
                {**key.as_dict(private=False), "use": "sig", "alg": ALGORITHM}
                for key in (keys if before is None else [*keys, before])
            ]
        }

    async def sweep(self) -> None:
        """Forget keys that nobody verifies with any more."""
        oldest = _name(self._period() - 1)
        for _, entry in await self._state.scan(NOBODY, _SPACE, count=_PAGE):
            if entry.key < oldest:
                await self._state.drop(NOBODY, _SPACE, entry.key, entry.revision)

    def _period(self) -> int:
        return self._clock() // 1_000_000 // PERIOD_SECONDS

    async def _of(self, period: int) -> RSAKey:
        found = await self._kept(period)
        while found is None:
            made = await asyncio.to_thread(_generate)
            nonce = os.urandom(_NONCE)
            raw = json.dumps(made.as_dict(private=True)).encode()
            sealed = nonce + self._seal.encrypt(nonce, raw, _name(period).encode())
            await self._state.put(NOBODY, _SPACE, _name(period), sealed, expect=0)
            found = await self._kept(period)
        return found

    async def _kept(self, period: int) -> RSAKey | None:
        known = self._known.get(period)
        if known is not None:
            return known
        name = _name(period)
        entry = await self._state.get(NOBODY, _SPACE, name)
        if entry is None:
            return None
        raw = self._seal.decrypt(entry.value[:_NONCE], entry.value[_NONCE:], name.encode())
        self._known = {one: key for one, key in self._known.items() if one >= period - 2}
        return self._known.setdefault(period, RSAKey.import_key(json.loads(raw)))


def _generate() -> RSAKey:
    key = RSAKey.generate_key(_BITS, private=True)
    return RSAKey.import_key({**key.as_dict(private=True), "kid": key.thumbprint()})


def _name(period: int) -> str:
    return f"{period:08d}"
