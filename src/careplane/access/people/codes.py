"""Codes of an authenticator app (TOTP, RFC 6238) and recovery codes."""

from __future__ import annotations

import hmac
import os
import re
import secrets
from base64 import b32encode
from hashlib import sha256

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from careplane.kernel.errors import Fault

_STEP, _AROUND = 30, 1
_NONCE = 12
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _LETTERS, _COUNT = 4, 4, 10
_CODE = re.compile(r"\d{6}")


class Sealer:
    """Seals what must be read again, such as the secret of an app, for one user. `key` is 32 secret
    bytes, which are not in the store."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._box = AESGCM(key)

    def seal(self, secret: bytes, purpose: str) -> bytes:
        """Nobody reads it without the key, nor for another purpose."""
        nonce = os.urandom(_NONCE)
        return nonce + self._box.encrypt(nonce, secret, purpose.encode())

    def opened(self, sealed: bytes, purpose: str) -> bytes:
        """What was sealed. Raises Fault."""
        try:
            return self._box.decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode())
        except (InvalidTag, ValueError):
            raise Fault("What is kept for a user cannot be opened with this key.") from None

    def digest(self, code: str, purpose: str) -> bytes:
        """What is kept of a recovery code."""
        return hmac.digest(self._key, f"{purpose}\0{plain(code)}".encode(), sha256)


def new_secret() -> str:
    """A secret for an app: 160 bits in base32."""
    return b32encode(os.urandom(20)).decode()


def address(secret: str, login: str, issuer: str) -> str:
    """The otpauth: address that an app reads, as a picture mostly."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def step_of(secret: str, code: str, now: int, after: int) -> int | None:
    """The step of time whose code this is, none that is not later than `after`: a code is good once
    (RFC 6238, 5.2). `now` is in seconds since 1970."""
    typed = re.sub(r"\s", "", code)
    if not _CODE.fullmatch(typed) or not typed.isascii():
        return None
    app = pyotp.TOTP(secret)
    found = None
    for step in range(now // _STEP - _AROUND, now // _STEP + _AROUND + 1):
        good = hmac.compare_digest(app.generate_otp(step), typed)
        if good and step > after:
            found = step
    return found


def recovery_codes() -> tuple[str, ...]:
    """New ones, of 79 bits each."""
    return tuple(
        "-".join(
            "".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS)) for _ in range(_GROUPS)
        )
        for _ in range(_COUNT)
    )


def plain(code: str) -> str:
    """A recovery code as it is compared: what people add or change is taken off."""
    return re.sub(r"[\s-]", "", code).lower()
