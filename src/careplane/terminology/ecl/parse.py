"""From the text of an expression constraint to its value; the brief syntax of ECL 2.2.

Not offered: history supplements, alternate identifiers, concrete sets of values, filters other than
`term` and `active`. What is not offered is said to be so; what is wrong is named with its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar, cast

from careplane.kernel.errors import Invalid, Issue, Unsupported
from careplane.terminology.ecl import syntax as s
from careplane.terminology.ecl.tokens import Token, tokens, wrong

N = TypeVar("N")
_LONGEST = 20_000
_DEEPEST = 50
_WAYS = ("<<!", ">>!", "<<", ">>", "<!", ">!", "<", ">")
_COMPARES = ("=", "!=", "<", "<=", ">", ">=")


def parse(text: str) -> s.Expression:
    """Raises Invalid for what is no expression constraint, with the place; Unsupported for what is
    one and not offered."""
    if len(text) > _LONGEST:
        raise wrong(f"it has more than {_LONGEST:,} characters")
    parser = _Parser(tokens(text))
    found = parser.expression()
    parser.end()
    return found


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0

    def expression(self) -> s.Expression:
        """Refined, joined with others, or dotted."""
        with_depth = self._deeper()
        first = self._constraint()
        if self._takes(":"):
            found: s.Expression = s.Refined(first, self._refinement())
        elif self._is_word("MINUS"):
            self._at += 1
            found = s.Minus(first, self._constraint())
        else:
            found = self._joined(first, self._constraint, s.All, s.Any)
        with_depth()
        return found

    def end(self) -> None:
        """Nothing follows."""
        if self._here.kind != "end":
            raise self._wanted("the end")

    def _constraint(self) -> s.Expression:
        """With operators before it; dots and filters behind it."""
        found = self._operated()
        while True:
            if self._takes("."):
                found = s.Dotted(found, self._operated())
            elif self._here.text == "{{":
                found = self._filter(found)
            elif self._here.text == "+":
                raise _unsupported("history supplements ({{ + ... }})")
            else:
                return found

    def _operated(self) -> s.Expression:
        for way in _WAYS:
            if self._takes(way):
                return s.Along(cast(s.Way, way), self._focus_or_members())
        return self._focus_or_members()

    def _focus_or_members(self) -> s.Expression:
        if self._takes("^"):
            return s.Members(self._focus())
        return self._focus()

    def _focus(self) -> s.Expression:
        token = self._here
        if token.kind == "sctid":
            self._at += 1
            return s.One(token.text)
        if self._takes("*"):
            return s.Everything()
        if self._takes("("):
            found = self.expression()
            self._expect(")")
            return found
        raise self._wanted("an identifier, * or (")

    def _refinement(self) -> s.Refinement:
        with_depth = self._deeper()
        found = self._joined(self._part(), self._part, s.Both, s.Either)
        with_depth()
        return found

    def _part(self) -> s.Refinement:
        if self._here.text == "(" and self._is_refinement():
            self._at += 1
            found = self._refinement()
            self._expect(")")
            return found
        times = self._times()
        if self._takes("{"):
            group = s.Group(self._refinement(), times)
            self._expect("}")
            return group
        return self._attribute(times)

    def _attribute(self, times: s.Times) -> s.Attribute:
        reverse = self._is_word("R") or self._is_word("REVERSEOF")
        self._at += reverse
        name = self._operated()
        compare = self._here.text
        if compare not in _COMPARES:
            raise self._wanted("one of = != < <= > >=")
        self._at += 1
        return s.Attribute(name, cast(s.Compare, compare), self._value(compare), times, reverse)

    def _value(self, compare: str) -> s.Expression | Decimal | str | bool:
        token = self._here
        if token.kind == "number":
            self._at += 1
            return Decimal(token.text[1:])
        if compare not in ("=", "!="):
            raise self._wanted("a number behind #")
        if token.kind == "text":
            self._at += 1
            return _unquoted(token.text)
        for word, truth in (("true", True), ("false", False)):
            if self._is_word(word.upper()):
                self._at += 1
                return truth
        return self._constraint()

    def _times(self) -> s.Times:
        token = self._here
        if token.kind != "times":
            return s.Times()
        self._at += 1
        least, most = (part.strip() for part in token.text[1:-1].split(".."))
        return s.Times(int(least), None if most == "*" else int(most))

    def _filter(self, of: s.Expression) -> s.Expression:
        self._expect("{{")
        if self._takes("+"):
            raise _unsupported("history supplements ({{ + ... }})")
        if self._is_word("C") or self._is_word("D"):
            self._at += 1
        found = of
        while True:
            word = self._here
            self._at += 1
            if word.kind == "word" and word.text.lower() == "term":
                self._expect("=")
                found = s.Filtered(found, texts=self._texts())
            elif word.kind == "word" and word.text.lower() == "active":
                self._expect("=")
                found = s.Filtered(found, active=self._truth())
            else:
                raise _unsupported("filters other than term and active")
            if not self._takes(","):
                break
        self._expect("}}")
        return found

    def _texts(self) -> tuple[str, ...]:
        if not self._takes("("):
            return (self._text(),)
        found = [self._text()]
        while not self._takes(")"):
            found.append(self._text())
        return tuple(found)

    def _text(self) -> str:
        if self._here.kind == "word":
            if self._here.text.lower() != "match":
                raise _unsupported("terms other than by match")
            self._at += 1
            self._expect(":")
        token = self._here
        if token.kind != "text":
            raise self._wanted("a text in quotes")
        self._at += 1
        return _unquoted(token.text)

    def _truth(self) -> bool:
        token = self._here
        self._at += 1
        known = {"true": True, "false": False, "#1": True, "#0": False}
        if token.text.lower() not in known:
            self._at -= 1
            raise self._wanted("true or false")
        return known[token.text.lower()]

    def _joined(
        self,
        first: N,
        another: Callable[[], N],
        all: Callable[[tuple[N, ...]], N],
        any: Callable[[tuple[N, ...]], N],
    ) -> N:
        """Parts joined by AND or a comma, or by OR; not by both, which would need brackets."""
        conjunction = self._conjunction()
        if not conjunction:
            return first
        parts = [first]
        while (word := self._conjunction()) == conjunction:
            self._at += 1
            parts.append(another())
        if word:
            raise self._wanted("brackets around one of AND and OR")
        return (all if conjunction == "AND" else any)(tuple(parts))

    def _conjunction(self) -> str:
        if self._here.text == "," or self._is_word("AND"):
            return "AND"
        return "OR" if self._is_word("OR") else ""

    def _is_refinement(self) -> bool:
        """Whether the bracket here is around a part of a refinement, not around a name: then a
        comparison stands inside of it."""
        depth = 0
        for token in self._tokens[self._at :]:
            depth += (token.text in "({" and token.kind == "sign") - (
                token.text in ")}" and token.kind == "sign"
            )
            if token.kind == "sign" and token.text in ("=", "!=", "<=", ">="):
                return True
            if depth <= 0:
                return False
        return False

    def _deeper(self) -> Callable[[], None]:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise wrong(f"it is nested more than {_DEEPEST} times")

        def back() -> None:
            self._depth -= 1

        return back

    @property
    def _here(self) -> Token:
        return self._tokens[self._at]

    def _takes(self, sign: str) -> bool:
        found = self._here.kind == "sign" and self._here.text == sign
        self._at += found
        return found

    def _is_word(self, word: str) -> bool:
        return self._here.kind == "word" and self._here.text.upper() == word

    def _expect(self, sign: str) -> None:
        if not self._takes(sign):
            raise self._wanted(sign)

    def _wanted(self, what: str) -> Invalid:
        return wrong(f"at character {self._here.at + 1}, {what} is expected")


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _unsupported(text: str) -> Unsupported:
    whole = f"The expression constraint asks for what is not offered: {text}."
    return Unsupported(whole, issues=(Issue("error", "not-supported", whole),))
