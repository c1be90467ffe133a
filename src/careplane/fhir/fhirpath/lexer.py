"""From the text of an expression to its tokens (FHIRPath 2.0, section "Lexical Elements").

One regular expression, linear in the text: no alternative of it can start where another one has
already matched, so hostile text costs no more than honest text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from careplane.fhir.fhirpath.errors import NotFhirpath

TIME: Final = r"\d{2}(?::\d{2}(?::\d{2}(?:\.\d+)?)?)?"
DATE: Final = r"\d{4}(?:-\d{2}(?:-\d{2})?)?"
ZONE: Final = r"(?:Z|[+-]\d{2}:\d{2})"

# The words of calendar durations, in both numbers, and their singular.
CALENDAR: Final = {
    word: unit
    for unit in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for word in (unit, f"{unit}s")
}

_TOKEN: Final = re.compile(
    rf"""
    (?P<space> \s+ | //[^\r\n]* | /\*.*?\*/ )
  | (?P<datetime> @{DATE}T(?:{TIME}{ZONE}?)? )
  | (?P<date> @{DATE} )
  | (?P<time> @T{TIME} )
  | (?P<number> \d+(?:\.\d+)? )
  | (?P<name> [A-Za-z_][A-Za-z0-9_]* )
  | (?P<delimited> `(?:[^`\\]|\\.)*` )
  | (?P<string> '(?:[^'\\]|\\.)*' )
  | (?P<dollar> \$[a-z]+ )
  | (?P<symbol> <= | >= | != | !~ | /(?!\*) | [-+*&|<>=~.,%()\[\]{{}}] )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)

_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.)|$)", re.DOTALL)
_ESCAPED: Final = {
    "`": "`",
    "'": "'",
    '"': '"',
    "\\": "\\",
    "/": "/",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}

_OPENERS: Final = {
    "/*": "this comment does not end.",
    "'": "this string does not end.",
    "`": "this delimited name does not end.",
    "@": "not a date, time or date-time literal.",
}


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is a group of the pattern above, or `end`; `text` is as meant, escapes resolved."""

    kind: str
    text: str
    offset: int


def tokens(text: str) -> list[Token]:
    """All tokens of the text, closed by one of kind `end`; raises NotFhirpath."""
    found: list[Token] = []
    offset = 0
    while offset < len(text):
        match = _TOKEN.match(text, offset)
        if match is None:
            raise NotFhirpath.at(text, offset, _problem(text, offset))
        if (kind := match.lastgroup or "") != "space":
            found.append(_token(text, kind, match.group(), offset))
        offset = match.end()
    found.append(Token("end", "", offset))
    return found


def _problem(text: str, offset: int) -> str:
    for opener, problem in _OPENERS.items():
        if text.startswith(opener, offset):
            return problem
    return "this character has no meaning here."


def _token(text: str, kind: str, raw: str, offset: int) -> Token:
    if kind in ("string", "delimited"):
        return Token(kind, _unescaped(text, raw[1:-1], offset + 1), offset)
    return Token(kind, raw, offset)


def _unescaped(text: str, raw: str, offset: int) -> str:
    """The string with its escape sequences resolved; the grammar has no unknown ones."""

    def resolve(match: re.Match[str]) -> str:
        digits, letter = match.groups()
        if digits:
            return chr(int(digits, 16))
        if letter not in _ESCAPED:
            raise NotFhirpath.at(
                text, offset + match.start(), f"\\{letter} is not an escape sequence."
            )
        return _ESCAPED[letter]

    return _joined(_ESCAPE.sub(resolve, raw)) if "\\" in raw else raw


def _joined(text: str) -> str:
    r"""Surrogates written as two \u sequences become one character; a lone one stays U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
