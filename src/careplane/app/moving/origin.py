"""What a move begins from: nobody else may be at work there, and a move that goes on must go on
from the very same."""

from __future__ import annotations

import hashlib

import msgspec

from careplane.app import background
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy
from careplane.storage.ports.moving import Marks, Source


async def require_rest(source: Source, clock: Clock) -> None:
    """Raises Busy where a server runs on it."""
    space, tenant, key = background.LEASE
    for note in await anext(source.noted((space, tenant, "")), None) or ():
        if note.at == (space, tenant, key) and background.is_held(note.entry.value, clock()):
            raise Busy(
                "A server is running on these records, or was killed less than 15 seconds ago: "
                "stop it, and try again"
            )


async def origin_of(source: Source, marks: Marks) -> bytes:
    """A hash that no two sources share, and that changes with everything that is written."""
    sum = hashlib.sha256(msgspec.msgpack.encode(marks))
    async for versions in source.versions(marks.t - 1):
        sum.update(msgspec.msgpack.encode(versions))
    async for records in source.audited(marks.seq - 1):
        sum.update(msgspec.msgpack.encode(records))
    async for notes in source.noted():
        sum.update(msgspec.msgpack.encode(notes))
    return sum.digest()
