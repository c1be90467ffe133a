"""Bundles assembled of bytes: entries are the stored bytes of resources, joined, never parsed
(FHIR R4, 2.36 Bundle)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

_quote = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Link:
    """`self`, `first` or `next`."""

    relation: str
    url: str


def bundle(
    type: str,
    entries: Iterable[bytes],
    links: Sequence[Link] = (),
    total: int | None = None,
) -> bytes:
    """A Bundle of entries that are JSON already."""
    head = [b'{"resourceType":"Bundle","type":"%b"' % type.encode()]
    if total is not None:
        head.append(b',"total":%d' % total)
    if links:
        written = (
            b'{"relation":"%b","url":%b}' % (link.relation.encode(), _quote(link.url))
            for link in links
        )
        head.append(b',"link":[%b]' % b",".join(written))
    body = b",".join(entries)
    if body:
        head.append(b',"entry":[%b]' % body)
    return b"".join(head) + b"}"


def found(base: bytes, type: str, id: str, resource: bytes, mode: bytes) -> bytes:
    """An entry of a searchset. `base`, type and id need no escapes."""
    return b'{"fullUrl":"%b/%b/%b","resource":%b,"search":{"mode":"%b"}}' % (
        base,
        type.encode(),
        id.encode(),
        resource,
        mode,
    )


def about(outcome: bytes) -> bytes:
    """An entry that says something about the search itself."""
    return b'{"resource":%b,"search":{"mode":"outcome"}}' % outcome


def answered(resource: bytes, response: dict[str, str], outcome: bytes = b"") -> bytes:
    """An entry of the answer to a transaction or batch."""
    parts = [b'"resource":%b' % resource] if resource else []
    inner = _quote(response)
    if outcome:
        inner = inner[:-1] + b',"outcome":%b}' % outcome
    parts.append(b'"response":%b' % inner)
    return b"{%b}" % b",".join(parts)


def recorded(
    full_url: str, resource: bytes, request: dict[str, str], response: dict[str, str]
) -> bytes:
    """An entry of a history."""
    parts = [b'"fullUrl":%b' % _quote(full_url)]
    if resource:
        parts.append(b'"resource":%b' % resource)
    parts.append(b'"request":%b,"response":%b' % (_quote(request), _quote(response)))
    return b"{%b}" % b",".join(parts)
