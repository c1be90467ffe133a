"""Ids of AuditEvents that are rendered from the trail: `trail-<number>-<part>`.

Part 0 tells of the request as a whole, part n of its n-th patient.
"""

from __future__ import annotations

import re

_ID = re.compile(r"trail-([1-9][0-9]{0,17})-(0|[1-9][0-9]{0,5})", re.ASCII)
_OURS = "trail-"


def id_of(seq: int, part: int) -> str:
    """The id of a part of a record."""
    return f"trail-{seq}-{part}"


def place_of(id: str) -> tuple[int, int] | None:
    """The number of the record and the part, or None for an id of another kind."""
    found = _ID.fullmatch(id)
    return (int(found[1]), int(found[2])) if found else None


def is_ours(id: str) -> bool:
    """Whether an id belongs to the trail, so that no client may take it."""
    return id.startswith(_OURS)
