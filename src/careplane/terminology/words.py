"""Text filters of expansions: every word that was asked for begins a word of a name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_WORD = re.compile(r"\w+")
_MOST = 20
"""Words of one filter."""


def folded(text: str) -> str:
    """A text without regard to case and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))


def words(text: str) -> tuple[str, ...]:
    """The words of a text, folded."""
    return tuple(_WORD.findall(folded(text)))


def asked(text: str) -> tuple[str, ...]:
    """The words of a filter; those beyond a bound are cut off."""
    return words(text)[:_MOST]


def found_in(wanted: Iterable[str], names: Iterable[str]) -> bool:
    """Whether each wanted word begins a word of one of the names."""
    there = [word for name in names for word in words(name)]
    return all(any(word.startswith(one) for word in there) for one in wanted)
