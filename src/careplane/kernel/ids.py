"""Ids made by the server: of resources, and of what only who was told of it may find."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from uuid import UUID, uuid4

NewId = Callable[[], str]


def new_id() -> str:
    """A UUID of version 7 (RFC 9562): unique without talk, and in order of time, so that
    neighbours in time are neighbours in an index. It matches the FHIR `id` type (36 characters)."""
    millis = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10), "big")
    value = (millis & 0xFFFF_FFFF_FFFF) << 80 | tail
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(int=value))


def secret_id() -> str:
    """A UUID of version 4: 122 bits that nobody can guess."""
    return str(uuid4())
