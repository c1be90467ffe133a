"""`_filter`: a whole expression as one parameter (FHIR R4, 3.1.3).

    filter = term (("and" | "or") term)*            from left to right, neither binds closer
    term   = "not"? "(" filter ")" | path operator value
    path   = a search parameter, a chain of them, or `_has:...`
    value  = a JSON string | what has no space, ")" or "]" in it

Each test becomes the criterion that a plain search would have, so that both mean the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Set
from typing import NamedTuple

from careplane.kernel.errors import Invalid, TooLarge
from careplane.search import filter_tests
from careplane.search.criteria import Budget
from careplane.search.criterion import Setting, UnknownParameter, invalid
from careplane.search.plan import Node, Not, all_of, any_of

KEY = "_filter"
MAX_LENGTH = 10_000
MAX_TESTS = 200
MAX_NESTING = 20
_TOKEN = re.compile(
    r'\s*(?:(?P<mark>[()])|(?P<string>"(?:[^"\\]|\\.)*")|(?P<word>[^\s()"\]]+(?:\[)?)|(?P<bad>.))',
    re.DOTALL,
)
_JOIN: dict[str, Callable[..., Node]] = {"and": all_of, "or": any_of}


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def node(types: Set[str], text: str, setting: Setting, budget: Budget) -> Node:
    """What the expression asks of resources of these types. Raises Invalid with the place,
    Unsupported, TooLarge."""
    if len(text) > MAX_LENGTH:
        raise TooLarge(f"{KEY} has at most {MAX_LENGTH} characters.")
    return _Parser(types, _tokens(text), setting, budget).whole()


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    for match in _TOKEN.finditer(text.rstrip()):
        kind = match.lastgroup or "bad"
        if kind == "bad":
            raise _wrong(match.start(kind), "this character means nothing here")
        found.append(_Token(kind, match[kind], match.start(kind)))
    return found


class _Parser:
    """Recursive descent, as deep as MAX_NESTING."""

    def __init__(
        self, types: Set[str], tokens: list[_Token], setting: Setting, budget: Budget
    ) -> None:
        self._types = types
        self._tokens = tokens
        self._setting = setting
        self._budget = budget
        self._at = 0
        self._tests = 0

    def whole(self) -> Node:
        found = self._filter(0)
        if self._at < len(self._tokens):
            raise self._expected("'and', 'or' or the end")
        return found

    def _filter(self, depth: int) -> Node:
        if depth > MAX_NESTING:
            raise TooLarge(f"{KEY} may nest {MAX_NESTING} levels.")
        found = self._term(depth)
        while (token := self._peek()) is not None and token.text in _JOIN:
            self._at += 1
            found = _JOIN[token.text](found, self._term(depth))
        return found

    def _term(self, depth: int) -> Node:
        token = self._peek()
        after = self._peek(1)
        if token and token.text == "not" and after and after.text == "(":
            self._at += 1
            return Not(self._group(depth))
        if token and token.kind == "mark" and token.text == "(":
            return self._group(depth)
        return self._test()

    def _group(self, depth: int) -> Node:
        self._at += 1
        found = self._filter(depth + 1)
        token = self._peek()
        if token is None or token.text != ")" or token.kind != "mark":
            raise self._expected("')'")
        self._at += 1
        return found

    def _test(self) -> Node:
        self._tests += 1
        if self._tests > MAX_TESTS:
            raise TooLarge(f"{KEY} has at most {MAX_TESTS} tests.")
        path = self._word("a search parameter")
        operator = self._word("an operator")
        value = self._value()
        if "[" in path.text:
            raise invalid(KEY, f"position {path.at + 1}: write a chain, filters in [] are not read")
        try:
            return filter_tests.node(
                self._types, path.text, operator.text, value, self._setting, self._budget
            )
        except UnknownParameter as error:
            # To leave one test out would change what the others mean.
            raise _wrong(path.at, error.text) from None

    def _word(self, what: str) -> _Token:
        token = self._peek()
        if token is None or token.kind != "word":
            raise self._expected(what)
        self._at += 1
        return token

    def _value(self) -> str:
        token = self._peek()
        if token is None or token.kind == "mark":
            raise self._expected("a value")
        self._at += 1
        if token.kind == "word":
            return token.text
        try:
            return str(json.loads(token.text))
        except ValueError:
            raise _wrong(token.at, "this is no JSON string") from None

    def _peek(self, ahead: int = 0) -> _Token | None:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else None

    def _expected(self, what: str) -> Invalid:
        token = self._peek()
        if token is None:
            return invalid(KEY, f"at the end: {what} is expected")
        return _wrong(token.at, f"{what} is expected")


def _wrong(at: int, text: str) -> Invalid:
    return invalid(KEY, f"position {at + 1}: {text}")
