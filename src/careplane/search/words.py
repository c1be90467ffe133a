"""Words of a text for full-text search, and what it means that a text has them.

Every engine keeps and compares what is made here, so that all find the same: `words` folds a text
(see `fold`) and parts it with single blanks. Letters, digits and the marks that belong to them make
words; everything else parts them. Han characters and kana, which are written without blanks, are a
word each: a word of several of them is looked for as a phrase.
"""

from __future__ import annotations

import re
import string
import unicodedata

from careplane.search.fold import fold

BREAK = "¶"
"""Stands between texts that do not belong together, so that no phrase reaches across. No word."""
MAX_WORD = 64
"""Characters of a word that count."""
MAX_TEXT = 250_000
"""Characters of a text that are searched; what follows is not found."""
_ALONE = re.compile("[\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")  # fmt: skip  # noqa: E501


def words(text: str) -> str:
    """The words of a text, in order, with one blank between them; empty where it has none."""
    folded = fold(text)
    plain = folded.translate(_ASCII if folded.isascii() else _TABLE)
    found = plain.split()
    if len(plain) > MAX_WORD:
        found = [word[:MAX_WORD] for word in found]
    return " ".join(found)


def joined(texts: list[str]) -> str:
    """Texts that are words already, each once, as one that is not too long."""
    text = f" {BREAK} ".join(dict.fromkeys(filter(None, texts)))
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT].rpartition(" ")[0]


def has(text: str, phrase: str, *, open: bool) -> bool:
    """Whether a text has these words, one after the other; `open`: the last may go on."""
    return f" {phrase}{'' if open else ' '}" in f" {text} "


class _Table(dict[int, str]):
    """Code point -> what it becomes, worked out on first sight."""

    def __missing__(self, point: int) -> str:
        char = chr(point)
        result = char
        if unicodedata.category(char)[0] == "S":
            result = " "
        elif _ALONE.match(char):
            result = f" {char} "
        self[point] = result
        return result


_TABLE = _Table()
_ASCII = str.maketrans(dict.fromkeys(string.punctuation, " "))
