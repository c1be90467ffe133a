"""One compact audit record a request, with the meaning of FHIR's AuditEvent (R4 6.5).

The record is written before the answer leaves. It is MessagePack in a fixed order of fields, about
120 bytes; AuditEvents are rendered from it when somebody reads the trail.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """AuditEvent.outcome (value set audit-event-outcome)."""

    SUCCESS = "0"
    MINOR = "4"  # the request was refused or wrong
    SERIOUS = "8"  # the server failed
    MAJOR = "12"  # the server is no longer available


class AuditRecord(msgspec.Struct, frozen=True, array_like=True):
    """Who did what to which records, when and how it ended.

    `recorded` is in microseconds since 1970; `interaction` is a code of restful-interaction or an
    operation (`$everything`); `versions` are the (type, id, version) that left or were written;
    `patients` the logical ids whose records were concerned; `query` the search as understood;
    `address` where the request came from. `purpose` is the purpose of use, empty for treatment;
    `client` the program that asked for an agent who is somebody else; `token` the beginning of the
    token's id (`shortened`), by which its uses are found; `emergency` tells that the glass was
    broken; `roles` are those of the agent, with blanks between them.
    """

    recorded: int
    tenant: int
    agent: str
    interaction: str
    outcome: Outcome
    versions: tuple[tuple[str, str, int], ...] = ()
    patients: tuple[str, ...] = ()
    query: str = ""
    address: str = ""
    detail: str = ""
    purpose: str = ""
    client: str = ""
    token: str = ""
    emergency: bool = False
    roles: str = ""


_TOKEN = 13
"""Characters of a token's id that a record keeps: 48 random bits."""


def shortened(token: str) -> str:
    """A token's id (jti) as records have it."""
    return token[:_TOKEN]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(AuditRecord)


Front = tuple[int, int, str, str, str, Sequence[tuple[str, str, int]], Sequence[str], str]
End = tuple[str, str, str, str, str, bool, str]
"""The fields of an AuditRecord in their order, up to `query`, and from `address` on."""
_ARRAY = b"\x9f"  # the head of fifteen of them; that of either part is one byte too


def encode(record: AuditRecord) -> bytes:
    """The bytes that an AuditStore keeps."""
    return _encoder.encode(record)


def ended(end: End) -> bytes:
    """What the bytes of a record end in: the same in all that a caller leaves without an error."""
    return _encoder.encode(end)[1:]


def encode_front(front: Front, end: bytes) -> bytes:
    """The bytes of a record, of which the end was made before."""
    return _ARRAY + _encoder.encode(front)[1:] + end


def decode(data: bytes) -> AuditRecord:
    """The record back from an AuditStore."""
    return _decoder.decode(data)
