"""Version ids as entity tags: `W/"3"` (FHIR R4, 3.1.0.1.3; RFC 9110, 8.8.3)."""

from __future__ import annotations

import re

from careplane.kernel.errors import Incorrect

_ETAG = re.compile(r'\s*(?:W/)?"?([0-9]{1,9})"?\s*')
NEVER = 0
"""A version that no record is at: the tag was not made by this server."""


def write(version: int) -> str:
    """The tag of a version."""
    return f'W/"{version}"'


def read(text: str | None) -> int | None:
    """The version that an If-Match names; `NEVER` for a tag of somebody else's, None for none.
    Raises Incorrect for what is no tag at all."""
    if text is None:
        return None
    found = _ETAG.fullmatch(text)
    if found:
        return int(found[1])
    if '"' in text:
        return NEVER
    raise Incorrect('If-Match must hold a version as an entity tag, such as W/"3".')
