"""From the JSON of an answer to what the client accepts: form, layout, compression."""

from __future__ import annotations

import zlib

from careplane.fhir.codec import json, xml
from careplane.rest.guarded import GUARDED
from careplane.rest.negotiate import Form, Style
from careplane.rest.response import Header, Response

_TYPE: dict[Form, Header] = {
    form: (b"content-type", f"{form.value}; charset=utf-8".encode()) for form in Form
}
_WORTH = 2048
"""Bodies below this many bytes travel as they are."""
_GZIP = 31
ALWAYS: tuple[Header, ...] = (
    (b"cache-control", b"private, no-cache"),
    *GUARDED,
    (b"vary", b"Accept, Accept-Encoding, Authorization"),
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"ETag, Location, Last-Modified, Retry-After, Content-Location, X-Progress, Expires, "
        b"X-Receipt",
    ),
)
"""A bearer token is no ambient credential, so any origin may ask; the token says what it gets."""


def render(response: Response, style: Style, gzip: bool) -> tuple[list[Header], bytes]:
    """Headers and body as they are sent."""
    headers = [*response.headers, *ALWAYS]
    body = response.body
    if body:
        own = (b"content-type", response.media.encode())
        headers.append(own if response.media else _TYPE[style.form])
        if style.form is Form.XML and not response.media:
            body = xml.dump(json.parse(body))
        elif style.pretty and not response.media:
            body = json.pretty(body)
        if gzip and len(body) >= _WORTH:
            body = _gzip(body)
            headers.append((b"content-encoding", b"gzip"))
    if response.status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(body)))
    return headers, body


def _gzip(body: bytes) -> bytes:
    pack = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
    return pack.compress(body) + pack.flush()
