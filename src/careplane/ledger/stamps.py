"""The time stamps that a log has, as it keeps and shows them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

STAMPS = "stamps"
"""The note that has them."""


class Stamp(msgspec.Struct, frozen=True, array_like=True):
    """A checkpoint, and the TimeStampResp (RFC 3161 2.4.2) over its bytes. `day` is in UTC, such as
    `2026-11-28`."""

    day: str
    checkpoint: bytes
    response: bytes


def pack(stamps: Sequence[Stamp]) -> bytes:
    """As a note."""
    return msgspec.msgpack.encode(stamps)


def unpack(data: bytes) -> list[Stamp]:
    """From a note, the earliest first."""
    return msgspec.msgpack.decode(data, type=list[Stamp]) if data else []
