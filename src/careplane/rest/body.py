"""Bodies of requests: bounded, unpacked, and brought to JSON bytes (FHIR R4, 3.1.0.1.7 and 2.6.2).

Reading stops at the limit, before the rest has come; a compressed body is bounded by what it
unpacks to.
"""

from __future__ import annotations

import zlib

from careplane.fhir.codec import json, xml
from careplane.kernel.errors import Incorrect, Malformed, TooLarge, UnsupportedMedia
from careplane.rest.negotiate import Form, form_of, media_type
from careplane.rest.request import Pairs, Request
from careplane.search.parse import parse_query

FORM = "application/x-www-form-urlencoded"
_GZIP = 31  # zlib's window bits for the gzip format


async def resource(request: Request, limit: int) -> bytes:
    """The JSON bytes of the resource in the body, converted where it is XML."""
    form = form_of(media_type(request.header(b"content-type") or ""))
    raw = await content(request, limit)
    if not raw:
        raise Incorrect("The body is empty; a resource is needed.")
    return json.dump(xml.parse(raw)) if form is Form.XML else raw


async def form_pairs(request: Request, limit: int) -> Pairs:
    """The parameters of a search by POST: those of the address, then those of the body."""
    raw = await content(request, limit)
    if not raw:
        return request.pairs
    media = media_type(request.header(b"content-type") or "")
    if media != FORM:
        raise UnsupportedMedia(f"A search by POST sends {FORM}.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("The form is not UTF-8.") from error
    return (*request.pairs, *parse_query(text))


async def content(request: Request, limit: int) -> bytes:
    """The bytes of the body, unpacked."""
    raw = await _received(request, limit)
    encoding = (request.header(b"content-encoding") or "identity").strip().lower()
    if encoding == "identity" or not raw:
        return raw
    if encoding not in ("gzip", "x-gzip"):
        raise UnsupportedMedia("The only content encoding that is read is gzip.")
    return _unpacked(raw, limit)


async def _received(request: Request, limit: int) -> bytes:
    declared = request.headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared[:20]) > limit:
        raise _too_large(limit)
    message = await request.receive()
    if not message.get("more_body"):
        return _bounded(bytes(message.get("body", b"")), limit)
    pieces, size = [], 0
    while True:
        piece = bytes(message.get("body", b""))
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return b"".join(pieces)
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Malformed("The body ended early.")


def _bounded(raw: bytes, limit: int) -> bytes:
    if len(raw) > limit:
        raise _too_large(limit)
    return raw


def _unpacked(raw: bytes, limit: int) -> bytes:
    unpack = zlib.decompressobj(_GZIP)
    try:
        data = unpack.decompress(raw, limit + 1)
    except zlib.error as error:
        raise Malformed("The body is not gzip.") from error
    if len(data) > limit:
        raise _too_large(limit)
    if not unpack.eof:
        raise Malformed("The gzip body ended early.")
    return data


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"A body may have at most {limit} bytes.")
