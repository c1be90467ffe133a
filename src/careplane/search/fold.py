"""Folded text: what is left of a string when case, accents and punctuation do not count.

FHIR R4, 3.1.1.4.8 string: search is insensitive to case, accents, punctuation and insignificant
whitespace. Marks go where a script writes them as an accent or an optional vowel (Latin, Greek,
Cyrillic, Hebrew, Arabic); they stay where they make another letter (kana, Thai, Indic scripts).
"""

from __future__ import annotations

import string
import unicodedata

_APOSTROPHES = "'`´ʹʻʼʽˈ‘’‛′＇"
_LETTERS = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"}
_ACCENTS = frozenset({*range(10, 37), *range(200, 241)})  # combining classes: points, then accents
_SPACES = frozenset({"P", "Z", "C"})  # punctuation, separators, control characters


def fold(text: str) -> str:
    """The text as string searches compare it; folding twice changes nothing."""
    if text.isascii():
        return " ".join(text.translate(_ASCII).split())
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", " ".join(plain.translate(_TABLE).split()))


class _Table(dict[int, str]):
    """Code point -> what it becomes, worked out on first sight."""

    def __missing__(self, point: int) -> str:
        char = chr(point)
        if char in _APOSTROPHES or unicodedata.combining(char) in _ACCENTS:
            result = ""
        elif unicodedata.category(char)[0] in _SPACES:
            result = " "
        else:
            result = _LETTERS.get(char, char)
        self[point] = result
        return result


_TABLE = _Table()
_ASCII = str.maketrans(
    string.ascii_uppercase + string.punctuation,
    string.ascii_lowercase + " " * len(string.punctuation),
)
_ASCII.update({ord("'"): None, ord("`"): None})  # type: ignore[dict-item]
_ASCII.update({ord(char): ord(char) for char in "$+<=>^|~"})  # symbols, no punctuation
_ASCII.update({point: ord(" ") for point in (*range(32), 127)})
