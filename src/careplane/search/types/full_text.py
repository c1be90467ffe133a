"""`_text` and `_content`: words in a resource (FHIR R4, 3.1.1.4.1), as an expression of them.

    any    = all (("OR" | ",") all)*           OR binds least
    all    = one ("AND"? one)*
    one    = "NOT" one | "(" any ")" | '"' words '"' | word "*"?

Operators may be written small, too. What is one word to the client and several to `search.words`,
as `mg/dL`, is a phrase.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from careplane.kernel.errors import Invalid, TooLarge
from careplane.search.criterion import Criterion, Modifiers
from careplane.search.plan import FullText, Node, Not, all_of, any_of
from careplane.search.rows import NARRATIVE, OTHER, Param
from careplane.search.syntax import unescape
from careplane.search.words import MAX_WORD, words

MAX_LENGTH = 2_000
MAX_TERMS = 100
MAX_NESTING = 20
MIN_PREFIX = 3
"""Letters before a `*`: with fewer, all lists of words of half an index would be gone through."""
_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[(),])|(?P<phrase>\"[^\"]*\")|(?P<word>(?:\\.|[^\s()\",\\])+)|(?P<bad>\S))",
    re.DOTALL,
)
_ONE = frozenset({NARRATIVE})
_ALL = frozenset({NARRATIVE, OTHER})


class _Token(NamedTuple):
    kind: str
    text: str
    at: int

    @property
    def sign(self) -> str:
        """What it is to the grammar: `and`, `or`, `not`, a mark, or the kind of a term."""
        text = self.text.lower()
        if self.kind == "mark" or (self.kind == "word" and text in ("and", "or", "not")):
            return text
        return self.kind


class _Parser:
    """Recursive descent, as deep as MAX_NESTING."""

    def __init__(self, criterion: Criterion, texts: frozenset[Param]) -> None:
        self._criterion = criterion
        self._texts = texts
        self._at = self._terms = 0
        text = ",".join(criterion.values)
        if len(text) > MAX_LENGTH:
            raise TooLarge(f"{criterion.key}: at most {MAX_LENGTH} characters are possible.")
        self._tokens = [_token(found) for found in _TOKEN.finditer(text.rstrip())]

    def whole(self) -> Node:
        found = self._any(0)
        if self._at < len(self._tokens):
            raise self._wrong("a parenthesis is closed that was not opened")
        return found

    def _any(self, depth: int) -> Node:
        if depth > MAX_NESTING:
            raise TooLarge(f"{self._criterion.key}: at most {MAX_NESTING} levels are possible.")
        found = [self._all(depth)]
        while self._sign() in ("or", ","):
            self._at += 1
            found.append(self._all(depth))
        return any_of(*found)

    def _all(self, depth: int) -> Node:
        found = [self._one(depth)]
        while (sign := self._sign()) not in ("", "or", ",", ")"):
            self._at += sign == "and"
            found.append(self._one(depth))
        return all_of(*found)

    def _one(self, depth: int) -> Node:
        denied = False
        while self._sign() == "not":
            self._at += 1
            denied = not denied
        found = self._group(depth) if self._sign() == "(" else self._term()
        return Not(found) if denied else found

    def _group(self, depth: int) -> Node:
        self._at += 1
        found = self._any(depth + 1)
        if self._sign() != ")":
            raise self._wrong("')' is expected")
        self._at += 1
        return found

    def _term(self) -> Node:
        if self._sign() not in ("word", "phrase"):
            raise self._wrong("a word or a phrase in quotes is expected")
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise TooLarge(f"{self._criterion.key}: at most {MAX_TERMS} terms are possible.")
        token = self._tokens[self._at]
        open = token.kind == "word" and token.text.endswith("*")
        text = token.text[:-1] if open else token.text
        if token.kind == "word" and "*" in text:
            raise self._wrong("'*' stands at the end of a word only")
        found = words(unescape(text))
        last = found.rpartition(" ")[2]
        if not found:
            raise self._wrong("there is neither a letter nor a digit here")
        if open and not MIN_PREFIX <= len(last) < MAX_WORD:
            raise self._wrong(f"a '*' stands behind {MIN_PREFIX} to {MAX_WORD - 1} letters")
        self._at += 1
        return FullText(self._texts, found, open)

    def _sign(self) -> str:
        return self._tokens[self._at].sign if self._at < len(self._tokens) else ""

    def _wrong(self, text: str) -> Invalid:
        if self._at == len(self._tokens):
            return self._criterion.invalid(f"at the end: {text}")
        token = self._tokens[self._at]
        if token.text == '"':
            text = "the quotation mark is not closed"
        return self._criterion.invalid(f"position {token.at + 1}: {text}")


def _token(found: re.Match[str]) -> _Token:
    kind = found.lastgroup or "bad"
    return _Token(kind, found[kind], found.start(kind))


def _narrative(criterion: Criterion) -> Node:
    return _Parser(criterion, _ONE).whole()


def _content(criterion: Criterion) -> Node:
    return _Parser(criterion, _ALL).whole()


MODIFIERS: Mapping[Param, Modifiers] = {NARRATIVE: {"": _narrative}, OTHER: {"": _content}}
"""By parameter, as in `special`."""
