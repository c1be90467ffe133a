"""Public keys of clients: JWK Sets (RFC 7517), of which only keys for RS384 and ES384 count.

`read` is pure; `KeySets` fetches what stands at a client's `jwks_uri` and remembers it for a while.
How it is fetched is handed in (`Fetch`), with the guard of where a server may be sent.
"""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from msgspec import Struct

from careplane.access.smart.client import Client
from careplane.access.smart.refusal import invalid_client
from careplane.kernel.clock import Clock
from careplane.kernel.errors import CareplaneError, Incorrect

Key: TypeAlias = RSAKey | ECKey
Keys: TypeAlias = Mapping[tuple[str, str], Key]
"""By `kid` and algorithm."""
Fetch: TypeAlias = Callable[[str], Awaitable[bytes]]
"""The bytes at an address of a client's choice, bounded in time and size. Raises an error of the
tree where they cannot be had."""

MOST_BYTES = 65_536
_MOST_KEYS = 32
_LONGEST_KID = 255
_RSA_BITS = range(2048, 8193)
_KEPT = 300_000_000
_AGAIN = 10_000_000
_REMEMBERED = 1024
_NUMBERS = ("kty", "n", "e", "crv", "x", "y")
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def read(raw: bytes) -> Keys:
    """The keys of a set that can verify an assertion. Others are passed by, as RFC 7517, 5 has it.
    Raises Incorrect where it is no set, has none, or holds a secret."""
    try:
        found: Any = json.loads(raw) if len(raw) <= MOST_BYTES else None
        listed = found["keys"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Incorrect(
            f'A JWK Set is JSON such as {{"keys": [...]}}, of at most {MOST_BYTES} bytes.'
        ) from None
    if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
        raise Incorrect(f"A JWK Set has a list of at most {_MOST_KEYS} keys.")
    keys: dict[tuple[str, str], Key] = {}
    for one in listed:
        if not isinstance(one, dict):
            continue
        if _PRIVATE & one.keys():
            raise Incorrect("The JWK Set holds a private or shared key; give public keys only.")
        usable = _usable(one)
        if usable is None:
            continue
        if usable[0] in keys:
            raise Incorrect("Two keys of the JWK Set have the same `kid`; each needs its own.")
        keys[usable[0]] = usable[1]
    if not keys:
        raise Incorrect(
            "No key of the JWK Set can be used: it takes a `kid`, and RSA of 2048 to 8192 bits or "
            "EC on P-384."
        )
    return keys


def _usable(jwk: dict[str, Any]) -> tuple[tuple[str, str], Key] | None:
    kid, uses = jwk.get("kid"), jwk.get("use", "sig")
    may = jwk.get("key_ops", ["verify"])
    if not isinstance(kid, str) or not 0 < len(kid) <= _LONGEST_KID:
        return None
    if uses != "sig" or not isinstance(may, list) or "verify" not in may:
        return None
    key = _imported(jwk)
    if key is None:
        return None
    algorithm = "RS384" if isinstance(key, RSAKey) else "ES384"
    if jwk.get("alg", algorithm) != algorithm:
        return None
    return (kid, algorithm), key


def _imported(jwk: dict[str, Any]) -> Key | None:
    wanted: dict[str, Any] = {name: jwk[name] for name in _NUMBERS if name in jwk}
    try:
        if jwk.get("kty") == "RSA":
            return RSAKey.import_key(wanted) if _bits(jwk["n"]) in _RSA_BITS else None
        if (jwk.get("kty"), jwk.get("crv")) == ("EC", "P-384"):
            key = ECKey.import_key(wanted)
            return key if key.public_key.key_size else None  # a point off the curve fails here
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return None


def _bits(number: str) -> int:
    """The size of a base64url number, before anything is computed with it."""
    raw = urlsafe_b64decode(number + "=" * (-len(number) % 4))
    return int.from_bytes(raw, "big").bit_length()


class _Known(Struct):
    """`source` is what the keys were read from; `fetched` is when, `tried` when last attempted."""

    keys: Keys
    source: str
    fetched: int
    tried: int


class KeySets:
    """Keys of registered clients. What an address gave is believed for five minutes; it is asked
    again sooner for a `kid` that is not known, yet at most every ten seconds, whoever asks, and who
    has a known key does not wait for that."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def key(self, client: Client, kid: str, algorithm: str) -> Key:
        """The key of this client with that id, for that algorithm. Raises Refused."""
        wanted = (kid, algorithm)
        keys = await self._fetched(client, wanted) if client.jwks_uri else self._inline(client)
        if wanted not in keys:
            raise invalid_client()
        return keys[wanted]

    def _inline(self, client: Client) -> Keys:
        source = client.jwks.decode()
        known = self._known.get(client.id)
        if known is None or known.source != source:
            known = self._keep(client.id, _Known(read(client.jwks), source, 0, 0))
        return known.keys

    async def _fetched(self, client: Client, wanted: tuple[str, str]) -> Keys:
        known = self._fresh(client, wanted)
        if known is not None:
            return known.keys
        async with self._asking.setdefault(client.id, asyncio.Lock()):
            known = self._fresh(client, wanted)
            if known is None:
                known = self._keep(client.id, await self._asked(client))
            return known.keys

    def _fresh(self, client: Client, wanted: tuple[str, str]) -> _Known | None:
        """What is known, unless the address must be asked."""
        known = self._known.get(client.id)
        if known is None or known.source != client.jwks_uri:
            return None
        now = self._clock()
        if wanted in known.keys and now - known.fetched < _KEPT:
            return known
        return known if now - known.tried < _AGAIN else None

    async def _asked(self, client: Client) -> _Known:
        """Where nothing can be had, what was had before, as long as that is believed."""
        try:
            keys, fetched = read(await self._fetch(client.jwks_uri)), self._clock()
        except CareplaneError:
            known, now = self._known.get(client.id), self._clock()
            keys, fetched = {}, 0
            if known and known.source == client.jwks_uri and now - known.fetched < _KEPT:
                keys, fetched = known.keys, known.fetched
        return _Known(keys, client.jwks_uri, fetched, self._clock())

    def _keep(self, id: str, known: _Known) -> _Known:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
            self._asking = {id: lock for id, lock in self._asking.items() if lock.locked()}
        self._known[id] = known
        return known
