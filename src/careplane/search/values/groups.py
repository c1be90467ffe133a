"""Groups of a composite parameter (FHIR R4, 3.1.1.4.14)."""

from __future__ import annotations

from typing import Any

from careplane.search.rows import Param, Rows


def complete(parts: Rows, count: int) -> bool:
    """Whether every component has a row: a group that lacks one can never match. Rows that came
    twice are left once."""
    kinds: tuple[list[Any], ...] = (
        parts.tokens, parts.strings, parts.references, parts.uris,
        parts.dates, parts.numbers, parts.quantities,
    )  # fmt: skip
    found: set[Param] = set()
    for kind in kinds:
        if kind:
            if len(kind) > 1 and len(set(kind)) < len(kind):
                kind[:] = dict.fromkeys(kind)
            found.update([row[0] for row in kind])
    return len(found) == count
