"""Several things in one sentence, and things of one script in a sentence of another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from careplane.words.audience import audience

_OPEN, _CLOSE = "\u2068", "\u2069"
"""First strong isolate, and its end (UAX 9, 2.6)."""


def isolated(text: str) -> str:
    """A name or a value that stays in one piece where its sentence runs from right to left:
    120 / 80 must not become 80 / 120. In HTML that is `<bdi>`."""
    if not text or audience().direction == "ltr":
        return text
    return type(text)(_OPEN) + text + type(text)(_CLOSE)  # text may be markup


def listed(items: Iterable[str], style: Literal["standard", "or"] = "standard") -> str:
    """`a, b and c`, or `a, b or c`."""
    from babel.lists import format_list

    parts = [isolated(item) for item in items]
    return format_list(parts, style, locale=audience().language) if parts else ""
