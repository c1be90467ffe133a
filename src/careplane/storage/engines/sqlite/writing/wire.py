"""Between a store and the process that writes for it: frames of MessagePack over a socket.

Frame = its length in 4 bytes, big-endian, and its bytes. To the writer go one Opening, then Asks;
back come a hello, Replies in any order, and a goodbye where the writer ends.
"""

from __future__ import annotations

import pickle  # nosec B403
from enum import IntEnum

import msgspec
from msgspec import Struct

from careplane.kernel.errors import CareplaneError
from careplane.kernel.refusal import Refusal, error_of, refusal_of
from careplane.storage.bodies import Packed
from careplane.storage.engines.sqlite.writing.job import Answer, Done, Job
from careplane.storage.ports.records import Erasure, Guard, Put, Reindex, Tenant, Unit

_LENGTH = 4


class Word(IntEnum):
    """What the writer says of itself: numbers that no Ask has."""

    HELLO = -1
    """It has opened the store."""
    REFUSED = -2
    """It has opened the store with another key."""
    BYE = -3
    """It ends: this was its last client."""


class Opening(Struct, frozen=True, array_like=True):
    """What to open."""

    path: str
    key: bytes
    cache_kib: int


class Ask(Struct, frozen=True, array_like=True):
    """A job with a number of its own. `puts` have no `rest`: bodies travel packed. `guards` are
    pickled: plans are unions of many kinds, and both ends are this very program."""

    number: int
    tenant: Tenant
    puts: tuple[Put, ...]
    audit: bytes | None
    guards: bytes
    packed: list[Packed]
    now: int
    erasure: Erasure | None = None
    defined: int | None = None
    items: tuple[Reindex, ...] = ()


class Reply(Struct, frozen=True, array_like=True):
    """The answer to the Ask of this number."""

    number: int
    done: Done | None
    refusal: Refusal | None


_encode = msgspec.msgpack.Encoder().encode
_opening = msgspec.msgpack.Decoder(Opening)
_ask = msgspec.msgpack.Decoder(Ask)
_reply = msgspec.msgpack.Decoder(Reply)


def opening(path: str, key: bytes, cache_kib: int) -> bytes:
    """The first frame."""
    return frame(_encode(Opening(path, key, cache_kib)))


def read_opening(data: bytes) -> Opening:
    return _opening.decode(data)


def ask(number: int, job: Job) -> bytes:
    """A job on its way."""
    unit = job.unit
    puts = tuple([Put(p.type, p.id, p.method, b"", p.rows, p.expect, p.old) for p in unit.puts])
    guards = pickle.dumps(unit.guards) if unit.guards else b""
    asked = Ask(
        number, job.tenant, puts, unit.audit, guards, job.packed, job.now, job.erasure,
        unit.defined, job.items,
    )  # fmt: skip
    return frame(_encode(asked))


def read_ask(data: bytes) -> tuple[int, Job]:
    found = _ask.decode(data)
    guards: tuple[Guard, ...] = ()
    if found.guards:
        guards = pickle.loads(found.guards)  # noqa: S301  (from who started us)  # nosec B301
    unit = Unit(found.puts, guards, found.audit, found.defined)
    job = Job(found.tenant, unit, found.packed, found.now, found.erasure, found.items)
    return found.number, job


def reply(number: int, answer: Answer) -> bytes:
    """An answer on its way."""
    if isinstance(answer, CareplaneError):
        return frame(_encode(Reply(number, None, refusal_of(answer))))
    return frame(_encode(Reply(number, answer, None)))


def say(word: Word) -> bytes:
    return frame(_encode(Reply(word, None, None)))


def read_reply(data: bytes) -> tuple[int, Answer | Word]:
    """The number of the Ask and its answer, or what the writer says of itself."""
    found = _reply.decode(data)
    if found.refusal is not None:
        return found.number, error_of(found.refusal)
    return found.number, Word(found.number) if found.done is None else found.done


def frame(data: bytes) -> bytes:
    return len(data).to_bytes(_LENGTH) + data


class Frames:
    """Takes bytes as they come, and gives whole frames."""

    def __init__(self) -> None:
        self._data = bytearray()

    @property
    def held(self) -> int:
        """Bytes that have come and were not taken."""
        return len(self._data)

    @property
    def ready(self) -> bool:
        """Whether the next one is whole."""
        return len(self._data) >= _LENGTH and len(self._data) >= self._end()

    def feed(self, data: bytes) -> None:
        self._data += data

    def _end(self) -> int:
        return _LENGTH + int.from_bytes(self._data[:_LENGTH])

    def next(self) -> bytes | None:
        """The next one, or None while it is not whole."""
        if not self.ready:
            return None
        end = self._end()
        found = bytes(self._data[_LENGTH:end])
        del self._data[:end]
        return found
