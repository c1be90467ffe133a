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
_labels = msgspec.json.Decoder(list[dict[str, object]])
_OPENED = b'{"meta":{"versionId":"0"'
_OURS = ("resourceType", "id", "_id")
_META = b',"meta":{'
_ATTEMPTS = 8
"""Closing braces that are tried as the end of a meta; more is for the parser."""

_OURS_IN_META = ("versionId", "lastUpdated", "_versionId", "_lastUpdated")


def split(minified: bytes) -> bytes:
    """The rest of a valid resource that has been minified."""
    members = _members.decode(minified)
    meta = members.pop("meta", None)
    for name in _OURS:
        members.pop(name, None)
    return (b"}" if meta is None else _meta(meta)) + _tail(members)


def split_known(minified: bytes, type: str, id: str | None, has_meta: bool) -> bytes:
    """As `split`, for a resource whose type and id are known, and whether it has a meta. Mostly
    without parsing: writers put type and id first, and meta behind them or last."""
    head = f'{{"resourceType":"{type}"' + ("" if id is None else f',"id":"{id}"')
    start = len(head)
    if not minified.startswith(head.encode()):
        return split(minified)
    if not has_meta:
        return b"}" + minified[start:]
    found = _meta_behind(minified, start) or _meta_last(minified, start)
    return split(minified) if found is None else found


def _meta_behind(minified: bytes, start: int) -> bytes | None:
    if not minified.startswith(_META, start):
        return None
    first = end = start + len(_META) - 1
    for _ in range(_ATTEMPTS):
        end = minified.find(b"}", end) + 1
        try:
            return _meta(minified[first:end]) + minified[end:]
        except msgspec.DecodeError:
            continue
    return None


def _meta_last(minified: bytes, start: int) -> bytes | None:
    at = minified.rfind(_META)
    try:
        # Were this not the meta of the resource itself, braces would be left over.
        return _meta(minified[at + len(_META) - 1 : -1]) + minified[start:at] + b"}"
    except msgspec.DecodeError:
        return None


def _meta(raw: bytes | msgspec.Raw) -> bytes:
    """What the client said in its meta, but for what is ours, and the end of it."""
    inner = _members.decode(raw)
    for name in _OURS_IN_META:
        inner.pop(name, None)
    return _tail(inner)


def head(type: str, id: str, version: int, last_updated: str) -> str:
    """What stands before the rest. The texts are ours: an id and an instant need no escapes."""
    return (
        f'{{"resourceType":"{type}","id":"{id}","meta":{{"versionId":"{version}",'
        f'"lastUpdated":"{last_updated}"'
    )


def join(type: str, id: str, version: int, last_updated: str, rest: bytes) -> bytes:
    """The whole resource."""
    return head(type, id, version, last_updated).encode() + rest


def security(rest: bytes) -> list[dict[str, object]]:
    """The security labels in a rest."""
    meta = _members.decode(_members.decode(_OPENED + rest)["meta"])
    return _labels.decode(meta["security"]) if "security" in meta else []


def with_security(rest: bytes, labels: list[dict[str, object]]) -> bytes:
    """The rest with other security labels."""
    members = _members.decode(_OPENED + rest)
    meta = _members.decode(members.pop("meta"))
    meta.pop("versionId")
    meta.pop("security", None)
    if labels:
        meta["security"] = msgspec.Raw(msgspec.json.encode(labels))
    return _tail(meta) + _tail(members)


def _tail(members: dict[str, msgspec.Raw]) -> bytes:
    """Members behind others, and the end of their object. Names of FHIR need no escapes."""
    return (
        b"".join([b',"%b":%b' % (name.encode(), value) for name, value in members.items()]) + b"}"
    )
