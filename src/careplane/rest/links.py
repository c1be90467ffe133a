"""Links of Bundles: self, first and next (FHIR R4, 3.1.1.6 and 3.1.0.9; RFC 8288).

A next link carries the whole request and the engine's cursor, sealed: it works by GET whatever the
first page came by, shows no criteria in logs, and cannot be altered. It is no credential: whoever
follows it is decided upon as any caller.
"""

from __future__ import annotations

import base64
import os
import re
import zlib
from typing import TypeVar
from urllib.parse import quote, quote_plus

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from careplane.kernel.errors import Incorrect

PAGE = "_page"
_NONCE = 12
_WORTH = 1000
_LONGEST = 100_000
_LARGEST = 2_000_000
_WRONG = "This page is not of this server; begin with the first page again."

_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_.~,:|/$-]*")

T = TypeVar("T")


class Pages:
    """Seals and opens what a next link carries. `key` is 32 secret bytes."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, state: object) -> str:
        """A value that can be told apart from any that this server did not make."""
        nonce = os.urandom(_NONCE)
        plain = _packed(msgspec.msgpack.encode(state))
        sealed = nonce + self._cipher.encrypt(nonce, plain, type(state).__name__.encode())
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, text: str, kind: type[T]) -> T:
        """The value back; Incorrect for anything that `seal` did not make for this kind."""
        if len(text) > _LONGEST:
            raise Incorrect(_WRONG)
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            nonce, rest = sealed[:_NONCE], sealed[_NONCE:]
            plain = self._cipher.decrypt(nonce, rest, kind.__name__.encode())
            return msgspec.msgpack.decode(_unpacked(plain), type=kind)
        except (ValueError, InvalidTag, zlib.error, msgspec.MsgspecError) as error:
            raise Incorrect(_WRONG) from error


def _packed(data: bytes) -> bytes:
    """Compressed where it is long: the criteria of a search by POST may be."""
    return b"z" + zlib.compress(data, 1) if len(data) > _WORTH else b"-" + data


def _unpacked(plain: bytes) -> bytes:
    if plain[:1] == b"z":
        return zlib.decompressobj().decompress(plain[1:], _LARGEST)
    return plain[1:]


def address(base: str, *path: str) -> str:
    """An absolute address below the base."""
    return "/".join([base, *[p if _PLAIN.fullmatch(p) else quote(p, safe="$*") for p in path]])


def with_query(url: str, pairs: tuple[tuple[str, str], ...]) -> str:
    """The address with parameters."""
    if not pairs:
        return url
    return f"{url}?{'&'.join([f'{_quoted(name)}={_quoted(value)}' for name, value in pairs])}"


def _quoted(text: str) -> str:
    return text if _PLAIN_VALUE.fullmatch(text) else quote_plus(text, safe=",:|/$")
