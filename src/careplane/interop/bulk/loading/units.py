"""Pieces to units: Bundles of updates that the door processes, each with a settled id."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from careplane.fhir.codec import json as fhir_json
from careplane.fhir.codec import xml as fhir_xml
from careplane.interop.bulk.loading.pieces import Piece
from careplane.kernel.errors import CareplaneError, Invalid, Issue, Malformed

_OPENING = re.compile(
    rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]{1,64})"\s*,\s*"id"\s*:\s*"([A-Za-z0-9\-.]{1,64})"'
)
"""How most writers begin: type and id first."""
_UNPACKED = frozenset({"transaction", "batch", "collection", "searchset"})


class Entry(Struct, frozen=True):
    """One resource to store, as an update of `url` (`Patient/17`, or criteria)."""

    resource: msgspec.Raw
    url: str
    full_url: str | None = None
    method: str = "PUT"
    if_none_exist: str | None = None


class Request(Struct, frozen=True):
    """The bytes of a Bundle for the door, and for each of its entries what a person would look for:
    the line of NDJSON or the number of the entry. `refused` are lines that are no resource."""

    raw: bytes
    places: tuple[str, ...]
    refused: tuple[tuple[str, CareplaneError], ...] = ()


_ABSENT = msgspec.Raw(b"")


class _Head(msgspec.Struct):
    """What a resource says of itself."""

    resourceType: str | None = None  # noqa: N815  (FHIR's name)
    id: str | None = None
    type: Any = None


class _Asked(msgspec.Struct):
    method: str | None = None
    url: str | None = None
    ifNoneExist: str | None = None  # noqa: N815


class _InBundle(msgspec.Struct):
    resource: msgspec.Raw = _ABSENT
    fullUrl: str | None = None  # noqa: N815
    request: _Asked | None = None


class _Bundle(msgspec.Struct):
    entry: list[_InBundle] = []


_head = msgspec.json.Decoder(_Head)
_bundle = msgspec.json.Decoder(_Bundle)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.Encoder().encode


def digest(piece: Piece) -> bytes:
    """What tells pieces apart: SHA-256 of their bytes."""
    return hashlib.sha256(piece.data).digest()


def request(piece: Piece, *, keep_ids: bool, kind: str = "transaction") -> Request:
    """The unit for a piece. With `keep_ids` an entry to create takes the id that its resource
    carries; otherwise one of its own, as a server would give it. Raises Malformed or Invalid."""
    seed = digest(piece)
    if piece.format == "ndjson":
        found, refused = _lines(piece, seed)
    else:
        found, refused = list(_whole(piece, seed, keep_ids)), []
    raw = _write([entry for _, entry in found], kind)
    return Request(raw, tuple(place for place, _ in found), tuple(refused))


def _lines(
    piece: Piece, seed: bytes
) -> tuple[list[tuple[str, Entry]], list[tuple[str, CareplaneError]]]:
    found: list[tuple[str, Entry]] = []
    refused: list[tuple[str, CareplaneError]] = []
    for number, line in enumerate(piece.data.split(b"\n"), piece.line):
        place = f"line {number}"
        try:
            if line.strip():
                entry = _single(line, seed, place)
                _check_type(entry, piece.type)
                found.append((place, entry))
        except CareplaneError as error:
            refused.append((place, error))
    return found, refused


def _check_type(entry: Entry, type: str | None) -> None:
    found = entry.url.partition("/")[0]
    if type is not None and found != type:
        raise _wrong("value", f"This is {found[:64]!r}, and the file was said to hold {type}.", "")


def _whole(piece: Piece, seed: bytes, keep_ids: bool) -> Iterator[tuple[str, Entry]]:
    raw = piece.data
    if piece.format == "xml":
        raw = fhir_json.dump(fhir_xml.parse(raw))
    head = _look(raw, "")
    if head.resourceType == "Bundle" and head.type in _UNPACKED:
        for number, inside in enumerate(_decode_bundle(raw).entry):
            place = f"Bundle.entry[{number}]"
            yield place, _from_bundle(inside, seed, place, keep_ids)
    else:
        yield "the resource", _single(raw, seed, "")


def _single(raw: bytes, seed: bytes, place: str) -> Entry:
    head = _look(raw, "")
    made = _settled(seed, place)
    resource = msgspec.Raw(raw) if head.id else _with_id(raw, made)
    return Entry(resource, f"{head.resourceType}/{head.id or made}")


def _from_bundle(inside: _InBundle, seed: bytes, place: str, keep_ids: bool) -> Entry:
    if not bytes(inside.resource):
        raise _wrong("structure", "An entry to import needs a resource.", place)
    raw = bytes(inside.resource)
    opening = _OPENING.match(raw)
    if opening:
        head = _Head(opening[1].decode(), opening[2].decode())
    else:
        head = _look(raw, f"{place}.resource")
    asked = inside.request or _Asked("PUT")
    if asked.method == "POST" and asked.ifNoneExist:
        type = head.resourceType or ""
        return Entry(inside.resource, type, inside.fullUrl, "POST", asked.ifNoneExist)
    if asked.method not in ("POST", "PUT"):
        raise _wrong("not-supported", f"Import takes POST and PUT, not {asked.method}.", place)
    if asked.method == "PUT" and asked.url:
        return Entry(inside.resource, asked.url, inside.fullUrl)
    if head.id and (keep_ids or asked.method == "PUT"):
        return Entry(inside.resource, f"{head.resourceType}/{head.id}", inside.fullUrl)
    made = _settled(seed, inside.fullUrl or place)
    return Entry(_with_id(raw, made), f"{head.resourceType}/{made}", inside.fullUrl)


def _settled(seed: bytes, name: str) -> str:
    """The id of what has this name in the piece, always the same: a UUID of version 8 (RFC 9562,
    5.8) made of a hash."""
    h = hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=16, key=seed).hexdigest()
    return f"{h[:8]}-{h[8:12]}-8{h[13:16]}-9{h[17:20]}-{h[20:]}"


def _with_id(raw: bytes, id: str) -> msgspec.Raw:
    """The resource under another id, all else to the byte. One with a key twice stays as it is, or
    keeps its second id: validation will say so."""
    opening = _OPENING.match(raw)
    if opening:
        start, end = opening.span(2)
        return msgspec.Raw(b"%b%b%b" % (raw[:start], id.encode(), raw[end:]))
    try:
        packed = msgspec.json.format(raw, indent=-1)
        members = _members.decode(packed)
    except msgspec.DecodeError as error:
        raise _wrong("structure", f"This is no FHIR resource as JSON: {error}", "") from None
    if len(_encode(members)) != len(packed):
        return msgspec.Raw(raw)
    head = {"resourceType": members.pop("resourceType"), "id": msgspec.Raw(_encode(id))}
    members.pop("id", None)
    return msgspec.Raw(_encode({**head, **members}))


def _look(raw: bytes, place: str) -> _Head:
    try:
        head = _head.decode(raw)
    except msgspec.DecodeError as error:
        raise _wrong("structure", f"This is no FHIR resource as JSON: {error}", place) from None
    except RecursionError:
        raise _wrong("structure", "This is nested too deeply.", place) from None
    if not head.resourceType:
        raise _wrong("structure", "This is no FHIR resource: it has no resourceType.", place)
    return head


def _decode_bundle(raw: bytes) -> _Bundle:
    try:
        return _bundle.decode(raw)
    except msgspec.DecodeError as error:
        raise Malformed(f"The Bundle cannot be read: {error}") from None


def _wrong(code: str, text: str, place: str) -> Invalid:
    return Invalid(text, issues=(Issue("error", code, text, place),))


def _write(entries: list[Entry], kind: str) -> bytes:
    return _encode({"resourceType": "Bundle", "type": kind, "entry": list(map(_entry, entries))})


def _entry(entry: Entry) -> dict[str, Any]:
    asked = {"method": entry.method, "url": entry.url}
    if entry.if_none_exist:
        asked["ifNoneExist"] = entry.if_none_exist
    made: dict[str, Any] = {"resource": entry.resource, "request": asked}
    if entry.full_url:
        made["fullUrl"] = entry.full_url
    return made
