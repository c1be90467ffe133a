"""The tokens of an expression constraint."""

from __future__ import annotations

import re
from typing import NamedTuple

from careplane.kernel.errors import Invalid, Issue

_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<note>/\*.*?\*/)|"
    r"(?P<sctid>\d{6,18})(?!\w)|"
    r"(?P<number>#[+-]?\d{1,30}(?:\.\d{1,30})?)|"
    r"(?P<text>\"(?:[^\"\\]|\\.)*\")|"
    r"(?P<term>\|[^|]*\|)|"
    r"(?P<times>\[\s*\d{1,9}\s*\.\.\s*(?:\d{1,9}|\*)\s*\])|"
    r"(?P<word>[A-Za-z]\w*)|"
    r"(?P<sign>\{\{|\}\}|<<!|>>!|<<|>>|<!|>!|<=|>=|!=|[<>^*:,.(){}=+]))",
    re.DOTALL,
)


class Token(NamedTuple):
    """`kind` is the name of a group of the pattern, or `end`; `at` its place."""

    kind: str
    text: str
    at: int


def tokens(text: str) -> list[Token]:
    """Without what is for people: terms beside identifiers, comments. Raises Invalid."""
    found: list[Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise wrong(f"what stands at character {at + 1} is not of the language")
        if match.lastgroup not in ("term", "note"):
            kind = match.lastgroup
            found.append(Token(kind, match[kind], match.start(kind)))
        at = match.end()
    found.append(Token("end", "", end))
    return found


def wrong(text: str) -> Invalid:
    """What to raise for what is no expression constraint."""
    whole = f"The expression constraint cannot be read: {text}."
    return Invalid(whole, issues=(Issue("error", "value", whole),))
