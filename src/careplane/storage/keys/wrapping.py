"""Making, wrapping and unwrapping keys: AES-256-GCM, with all that a row says bound to its key, so
that rows cannot be exchanged for each other."""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from careplane.kernel.errors import Fault
from careplane.storage.ports.keys import KeyRow
from careplane.storage.ports.records import Tenant

NUMBER = 8
NONCE = 12
_KEY = 32
_OWNER = 16
ROOT = b""
"""The parent of a tenant's key."""


def owner_of(secret: bytes, tenant: Tenant, patient: str) -> bytes:
    """Who a patient is in the tables: a keyed hash."""
    said = f"{tenant}/{patient}".encode()
    return hmac.digest(secret, said, hashlib.sha256)[:_OWNER]


def made(
    parent: AESGCM, parent_number: bytes, tenant: Tenant, owner: bytes
) -> tuple[KeyRow, bytes]:
    """A new key, and its row."""
    key = os.urandom(_KEY)
    row = KeyRow(os.urandom(NUMBER), tenant, owner, parent_number, True, b"")
    return wrapped(parent, row, key), key


def wrapped(parent: AESGCM, row: KeyRow, key: bytes) -> KeyRow:
    """The row with the key in it."""
    nonce = os.urandom(NONCE)
    return KeyRow(
        row.number, row.tenant, row.owner, row.parent, row.current,
        nonce + parent.encrypt(nonce, key, _bound(row)),
    )  # fmt: skip


def unwrapped(parent: AESGCM, row: KeyRow) -> bytes:
    """The key of a row. Raises Fault where the row is not as it was written."""
    try:
        return parent.decrypt(row.wrapped[:NONCE], row.wrapped[NONCE:], _bound(row))
    except (InvalidTag, ValueError):
        raise Fault(
            "A key in the table of keys is not the one that was written there, or is of another "
            "key file: restore the table of keys from a backup"
        ) from None


def _bound(row: KeyRow) -> bytes:
    return b"%b|%d|%b|%b" % (row.number, row.tenant, row.owner, row.parent)
