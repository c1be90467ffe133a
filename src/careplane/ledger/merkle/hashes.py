"""Leaf and node hashes (RFC 9162 section 2.1.1): SHA-256 with a prefix that tells them apart."""

from __future__ import annotations

from hashlib import sha256

SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """MTH({entry})."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()
