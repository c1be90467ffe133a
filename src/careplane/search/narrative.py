"""What a reader reads of a Narrative's XHTML, or of another text with markup."""

from __future__ import annotations

import re
from html import unescape

_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?:[!?]|/?([A-Za-z][\w:.-]*+))(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*+>",
    re.DOTALL,
)
"""A comment, or a tag; no `<` is in one, so what is none is soon known."""
_WITHIN_WORDS = frozenset(
    (
        "a", "abbr", "acronym", "b", "big", "cite", "code", "dfn", "em", "font", "i", "kbd", "q",
        "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var",
    )
)  # fmt: skip
"""Elements that may begin and end inside of a word; any other parts words."""


def plain(markup: str) -> str:
    """The text without markup; titles, alternative texts and comments are not read."""
    return unescape(_MARKUP.sub(_gap, markup))


def _gap(found: re.Match[str]) -> str:
    return "" if (found[1] or "").lower() in _WITHIN_WORDS else " "
