"""Invariants in Python, over structs: for expressions that are beyond the translator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any


def distinct_links(questionnaire: Any) -> bool:
    """que-2: the link ids of a questionnaire are unique in it."""
    return _distinct(item.linkId for item in _nested(questionnaire.item, "item"))


def distinct_concepts(code_system: Any) -> bool:
    """csd-1: the codes of a code system are unique in it."""
    return _distinct(concept.code for concept in _nested(code_system.concept, "concept"))


def maximum_holds(least: int, most: str) -> bool:
    """eld-2: min <= max."""
    return most.isascii() and most.isdigit() and len(most) < 10 and least <= int(most)


def _nested(items: list[Any] | None, name: str) -> Iterator[Any]:
    waiting = list(items or ())
    while waiting:
        item = waiting.pop()
        yield item
        waiting.extend(getattr(item, name) or ())


def _distinct(values: Iterable[str | None]) -> bool:
    found = [value for value in values if value is not None]
    return len(found) == len(set(found))


CALLED: dict[str, Callable[..., bool]] = {
    "distinct_links": distinct_links,
    "distinct_concepts": distinct_concepts,
    "maximum_holds": maximum_holds,
}
"""What the expressions in `invariants.NATIVE` may call."""
