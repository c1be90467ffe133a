"""Conditional requests on HTTP's own headers (FHIR R4, 3.1.0.2.1 and 3.1.0.5; RFC 9110, 13)."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

from careplane.kernel.errors import Incorrect
from careplane.records import etag
from careplane.records.results import Version
from careplane.rest.request import Request

_TAG = re.compile(r'(?:W/)?"([^"]*)"')


def if_match(request: Request) -> int | None:
    """The version that If-Match demands. `*` demands any, which a version cannot say."""
    text = request.header(b"if-match")
    if text == "*":
        raise Incorrect('If-Match needs a version here, such as W/"3".')
    return etag.read(text)


def if_none_match_any(request: Request) -> bool:
    """Whether `If-None-Match: *` was sent: the resource must not be there."""
    return request.header(b"if-none-match") == "*"


def not_modified(request: Request, version: Version) -> bool:
    """Whether the client has this version already; If-None-Match goes before If-Modified-Since."""
    tags = request.header(b"if-none-match")
    if tags is not None:
        return tags.strip() == "*" or str(version.version) in _TAG.findall(tags[:2000])
    since = request.header(b"if-modified-since")
    if since is None:
        return False
    try:
        moment = parsedate_to_datetime(since).timestamp()
    except (ValueError, TypeError, OverflowError):
        return False  # RFC 9110 13.1.3: a date that is none is ignored
    return version.last_updated // 1_000_000 <= moment
