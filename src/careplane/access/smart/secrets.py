"""Secrets of clients: made here, never chosen, and kept as scrypt (RFC 7914) of them.

A secret is 32 random bytes and a tag over them and the client's id, under a key of the
installation. Whoever guesses fails at the tag, which costs a microsecond; scrypt, which costs tens
of milliseconds, is asked only about what this server once issued to that client. So guesses cannot
keep the server busy, and no count of failures has to lock a client out.
"""

from __future__ import annotations

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

_PREFIX = "cps_"
_RANDOM, _TAG, _SALT, _HASH = 32, 16, 16, 32
_LENGTH = len(_PREFIX) + (_RANDOM + _TAG) * 4 // 3


class Secrets:
    """`key` is 32 secret bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, client: str) -> str:
        """A new secret for a client; it is shown once and kept nowhere."""
        random = os.urandom(_RANDOM)
        return _PREFIX + urlsafe_b64encode(random + self._tag(client, random)).decode()

    def is_issued(self, client: str, secret: str) -> bool:
        """Whether this server ever gave the secret to a client of this id."""
        if len(secret) != _LENGTH or not secret.startswith(_PREFIX) or not secret.isascii():
            return False
        try:
            raw = urlsafe_b64decode(secret.removeprefix(_PREFIX))
        except ValueError:
            return False
        return hmac.compare_digest(raw[_RANDOM:], self._tag(client, raw[:_RANDOM]))

    def _tag(self, client: str, random: bytes) -> bytes:
        return hmac.digest(self._key, client.encode() + b"\0" + random, sha256)[:_TAG]


def kept(secret: str) -> bytes:
    """What is kept of a secret: salt and hash. Takes tens of milliseconds and 32 MB."""
    salt = os.urandom(_SALT)
    return salt + _scrypt(salt).derive(secret.encode())


def matches(secret: str, stored: bytes) -> bool:
    """Whether this is the secret of which that is kept; as costly as `kept`."""
    try:
        _scrypt(stored[:_SALT]).verify(secret.encode(), stored[_SALT:])
    except InvalidKey:
        return False
    return True


def _scrypt(salt: bytes) -> Scrypt:
    return Scrypt(salt=salt, length=_HASH, n=1 << 15, r=8, p=1)
