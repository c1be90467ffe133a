"""Ids of a study in the place of logical ids: the same for the same resource, of no use in another
study, and not to be led back without the key.

A pseudonym is the id under AES-SIV (RFC 5297), which is deterministic and authenticated: whoever
has the key finds the id again, without a table, and tells what is no pseudonym of this study. A
character of a FHIR id is six bits, so 41 of them and their number fill the 32 bytes that are
sealed; all pseudonyms are 64 characters long.
"""

from __future__ import annotations

import hashlib
import hmac
import string
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

_ALPHABET = string.ascii_letters + string.digits + "-."
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_LONGEST = 41
_BYTES = 31
_SEALED = 48
_KEY = 64


class Pseudonyms:
    """Of one study; `key` is the installation's, for pseudonyms alone."""

    def __init__(self, key: bytes, study: str) -> None:
        mine = HKDFExpand(SHA256(), _KEY, f"study/{study}".encode()).derive(key)
        self._siv = AESSIV(mine)
        self._one_way = hmac.new(mine, b"long ids", hashlib.sha256).digest()

    def of(self, type: str, id: str) -> str:
        """The pseudonym of a resource. An id of more than 41 characters has one that `resolve` does
        not lead back."""
        if len(id) > _LONGEST or not all(letter in _VALUES for letter in id):
            text = f"{type}/{id}".encode()
            return _written(hmac.new(self._one_way, text, hashlib.sha384).digest())
        number = 0
        for letter in id:
            number = number << 6 | _VALUES[letter]
        plain = bytes([len(id)]) + number.to_bytes(_BYTES, "big")
        return _written(self._siv.encrypt(plain, [type.encode()]))

    def resolve(self, type: str, pseudonym: str) -> str | None:
        """The id behind a pseudonym, or None where it is none of this study and type."""
        if len(pseudonym) != _SEALED * 4 // 3 or not all(one in _VALUES for one in pseudonym):
            return None
        sealed = urlsafe_b64decode(pseudonym.replace(".", "_"))
        try:
            plain = self._siv.decrypt(sealed, [type.encode()])
        except InvalidTag:
            return None
        number = int.from_bytes(plain[1:], "big")
        return "".join(_ALPHABET[number >> 6 * n & 63] for n in reversed(range(plain[0])))


def _written(sealed: bytes) -> str:
    """48 bytes as 64 characters of a FHIR id."""
    return urlsafe_b64encode(sealed).decode().replace("_", ".")
