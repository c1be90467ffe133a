"""Bundles assembled of bytes: entries are the stored bytes of resources, joined, never parsed
(FHIR R4, 2.36 Bundle)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

_NO_REDISCLOSURE = (
    b',"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode",'
    b'"code":"NODSCLCD"}]}'
)
_quote = msgspec.json.Encoder().encode


class Link(msgspec.Struct, frozen=True):
    """`self`, `first` or `next`."""

    relation: str
    url: str


def bundle(
    type: str,
    entries: Iterable[bytes],
    links: Sequence[Link] = (),
    total: int | None = None,
    *,
    no_redisclosure: bool = False,
) -> bytes:
    """A Bundle of entries that are JSON already. `no_redisclosure` labels it as a whole
    (`NODSCLCD`)."""
    label = _NO_REDISCLOSURE if no_redisclosure else b""
    parts = [b'{"resourceType":"Bundle"%b,"type":"%b"' % (label, type.encode())]
    if total is not None:
        parts.append(b',"total":%d' % total)
    if links:
        written = [
            b'{"relation":"%b","url":%b}' % (link.relation.encode(), _quote(link.url))
            for link in links
        ]
        parts.append(b',"link":[%b]' % b",".join(written))
    listed = b",".join(entries)
    if listed:
        parts += (b',"entry":[', listed, b"]")
    parts.append(b"}")
    return b"".join(parts)


def found(base: str, type: str, id: str, rest: bytes, mode: bytes, head: str = "") -> bytes:
    """An entry of a searchset: the resource is `head` and `rest`. The address needs no escapes."""
    opening = f'{{"fullUrl":"{base}/{type}/{id}","resource":{head}'.encode()
    return b'%b%b,"search":{"mode":"%b"}}' % (opening, rest, mode)


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
