"""A passphrase, by Argon2id (RFC 9106): nothing but the file and what somebody knows.

wrapped = memory in KiB (4) · passes (4) · lanes (4) · salt (16) · nonce (12) · sealed root
"""

from __future__ import annotations

import getpass
import os
import struct
import sys
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from careplane.app.keys.providers.port import unavailable
from careplane.kernel.errors import Incorrect

VARIABLE, FILE = "CAREPLANE_KEY_PASSPHRASE", "CAREPLANE_KEY_PASSPHRASE_FILE"
_COST = struct.Struct(">III")
_SALT, _NONCE = 16, 12
_CHOSEN = (65_536, 3, 4)
"""Memory in KiB, passes, lanes: the second choice of RFC 9106, 4."""
_MOST = (1_048_576, 32, 64)
"""A file that asks for more was not written by us."""
_SHORTEST = 12


class Passphrase:
    """From the environment, from a file that it names, or from whoever sits at the terminal."""

    def __init__(self, rest: str) -> None:
        if rest:
            raise Incorrect("The address of a passphrase is 'passphrase:', without more.")

    def wrap(self, root: bytes) -> bytes:
        phrase = _asked()
        if len(phrase) < _SHORTEST:
            raise Incorrect(f"A passphrase has at least {_SHORTEST} bytes.")
        salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
        head = _COST.pack(*_CHOSEN) + salt
        return head + nonce + _cipher(phrase, salt, _CHOSEN).encrypt(nonce, root, head)

    def unwrap(self, wrapped: bytes) -> bytes:
        head, nonce, sealed = _split(wrapped)
        memory, passes, lanes = _COST.unpack(head[: _COST.size])
        if not all(0 < n <= most for n, most in zip((memory, passes, lanes), _MOST, strict=True)):
            raise unavailable("the passphrase", "the key file is spoilt; restore it from a backup")
        cipher = _cipher(_asked(), head[_COST.size :], (memory, passes, lanes))
        try:
            return cipher.decrypt(nonce, sealed, head)
        except InvalidTag:
            raise unavailable(
                "the passphrase", "it is not the right one, or the key file is spoilt"
            ) from None


def _split(wrapped: bytes) -> tuple[bytes, bytes, bytes]:
    start = _COST.size + _SALT
    if len(wrapped) < start + _NONCE + 16:
        raise unavailable("the passphrase", "the key file is cut off; restore it from a backup")
    return wrapped[:start], wrapped[start : start + _NONCE], wrapped[start + _NONCE :]


def _cipher(phrase: bytes, salt: bytes, cost: tuple[int, int, int]) -> AESGCM:
    memory, passes, lanes = cost
    derived = Argon2id(
        salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory
    ).derive(phrase)
    return AESGCM(derived)


def _asked() -> bytes:
    if VARIABLE in os.environ:
        return os.environ[VARIABLE].encode()
    if FILE in os.environ:
        try:
            return Path(os.environ[FILE]).read_bytes().strip()
        except OSError as error:
            raise unavailable(
                "the passphrase", f"{FILE} cannot be read: {error.strerror}"
            ) from error
    if not sys.stdin.isatty():
        raise unavailable("the passphrase", f"set {FILE} or {VARIABLE}, or start at a terminal")
    phrase = getpass.getpass("Passphrase of the key: ")
    os.environ[VARIABLE] = phrase  # for the processes that this one starts
    return phrase.encode()
