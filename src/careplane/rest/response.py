"""An answer on its way out: status, headers and the JSON bytes of a resource.

Interactions write FHIR JSON only; `render` turns it into what the client accepts.
"""

from __future__ import annotations

from functools import lru_cache
from time import gmtime

from msgspec import Struct

from careplane.records import etag
from careplane.records.results import Version

Header = tuple[bytes, bytes]
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Response(Struct):
    """`body` is the JSON of a resource, or empty. With a `media` type of its own it is JSON that is
    no resource, and is sent as it is."""

    status: int
    body: bytes = b""
    headers: list[Header] = []
    media: str = ""


def version_headers(version: Version) -> list[Header]:
    """ETag and Last-Modified of a version (R4 3.1.0.1.3)."""
    return [
        (b"etag", etag.write(version.version).encode()),
        (b"last-modified", http_date(version.last_updated // 1_000_000)),
    ]


@lru_cache(maxsize=1024)
def http_date(seconds: int) -> bytes:
    """`Tue, 15 Nov 1994 12:45:26 GMT` (RFC 9110, 5.6.7); whole seconds are all that it can say."""
    t = gmtime(seconds)
    day, month = _DAYS[t.tm_wday], _MONTHS[t.tm_mon - 1]
    time = f"{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d}"
    return f"{day}, {t.tm_mday:02d} {month} {t.tm_year:04d} {time} GMT".encode()
