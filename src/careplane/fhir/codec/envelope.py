"""Identity and version of a stored resource, kept apart from the bytes that the client sent.

The stored form is

    {"resourceType":"T","id":"I","meta":{"versionId":"V","lastUpdated":"L"  +  rest

where `rest` closes meta and holds every other member as it was sent, minified:
`,"profile":["..."]},"status":...}` or `},"status":...}`. So a new version costs no parsing, and
reads never touch the client's digits. What the client said of id, versionId and lastUpdated is
dropped: the server decides them (FHIR R4, 3.1.0.1).
"""

from __future__ import annotations

import msgspec

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OURS = ("resourceType", "id", "_id")
_OURS_IN_META = ("versionId", "lastUpdated", "_versionId", "_lastUpdated")


def split(minified: bytes) -> bytes:
    """The rest of a valid resource that has been minified."""
    members = _members.decode(minified)
    meta = members.pop("meta", None)
    for name in _OURS:
        members.pop(name, None)
    if meta is None:
        return b"}" + _tail(members)
    inner = _members.decode(meta)
    for name in _OURS_IN_META:
        inner.pop(name, None)
    return _tail(inner) + _tail(members)


def split_without_meta(minified: bytes, type: str, id: str | None) -> bytes:
    """As `split`, for a resource that is known to have no meta: mostly no parsing at all."""
    head = f'{{"resourceType":"{type}"' + ("" if id is None else f',"id":"{id}"')
    start = head.encode()
    return b"}" + minified[len(start) :] if minified.startswith(start) else split(minified)


def join(type: str, id: str, version: str, last_updated: str, rest: bytes) -> bytes:
    """The whole resource. The texts are ours: an id, a version and an instant need no escapes."""
    head = f'{{"resourceType":"{type}","id":"{id}","meta":{{"versionId":"{version}"'
    return f'{head},"lastUpdated":"{last_updated}"'.encode() + rest


def _tail(members: dict[str, msgspec.Raw]) -> bytes:
    """Members behind others, and the end of their object. Names of FHIR need no escapes."""
    return (
        b"".join([b',"%b":%b' % (name.encode(), value) for name, value in members.items()]) + b"}"
    )
