"""When an observation was true, as a moment to compare (FHIR R4, Observation.effective)."""

from __future__ import annotations

from collections.abc import Iterator

from careplane.fhir.tree import Tree
from careplane.search.dates import span
from careplane.search.rows import BEGINNING


def moment(tree: Tree) -> int:
    """Microseconds since 1970: where a dateTime begins, where a Period ends (or, still open,
    begins), the last event of a Timing. Without any, before everything."""
    return max(_moments(tree), default=BEGINNING)


def _moments(tree: Tree) -> Iterator[int]:
    for name in ("effectiveDateTime", "effectiveInstant"):
        yield from _begin(tree.get(name))
    period = tree.get("effectivePeriod") or {}
    yield from _begin(period.get("end") or period.get("start"))
    for event in (tree.get("effectiveTiming") or {}).get("event", ()):
        yield from _begin(event)


def _begin(text: object) -> Iterator[int]:
    found = span(text) if isinstance(text, str) else None
    if found is not None:
        yield found[0]
