"""From text to AST: the grammar of FHIRPath 2.0 (N1), by precedence climbing.

Hostile text meets two caps: the length of the text, and the depth of what it nests or chains
(`((((`, `- - - -`, `a.a.a.a`), so that whoever walks the tree may do it by plain recursion.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Final

from careplane.fhir.fhirpath import ast
from careplane.fhir.fhirpath.errors import NotFhirpath
from careplane.fhir.fhirpath.lexer import CALENDAR, Token, tokens

MAX_LENGTH: Final = 16_384
MAX_NESTING: Final = 80
MAX_DEPTH: Final = 160
MAX_INTEGER: Final = 2**31  # one more than the largest: the operand of unary minus is parsed alone

# How tightly an operator binds; all of them group to the left.
BINARY: Final = {
    "implies": 1,
    "or": 2,
    "xor": 2,
    "and": 3,
    "in": 4,
    "contains": 4,
    "=": 5,
    "~": 5,
    "!=": 5,
    "!~": 5,
    "<": 6,
    "<=": 6,
    ">": 6,
    ">=": 6,
    "|": 7,
    "+": 9,
    "-": 9,
    "&": 9,
    "*": 10,
    "/": 10,
    "div": 10,
    "mod": 10,
}
TYPE_OPERATORS: Final = {"is": 8, "as": 8}
UNARY: Final = 11

RESERVED: Final = frozenset(("and", "or", "xor", "implies", "div", "mod", "true", "false"))
_DOLLARS: Final[dict[str, ast.Expression]] = {
    "$this": ast.This(),
    "$index": ast.Index(),
    "$total": ast.Total(),
}


@lru_cache(maxsize=4096)
def parse(text: str) -> ast.Expression:
    """The expression that the text means; raises NotFhirpath with line and column."""
    if len(text) > MAX_LENGTH:
        raise NotFhirpath(f"A FHIRPath expression may have {MAX_LENGTH} characters at most.")
    expression = _Parser(text).whole()
    if _depth(expression) > MAX_DEPTH:
        raise NotFhirpath(f"The expression chains more than {MAX_DEPTH} steps; make it simpler.")
    return expression


def _depth(root: ast.Expression) -> int:
    deepest, waiting = 0, [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting.extend((child, depth + 1) for child in ast.children(node))
    return deepest


class _Parser:
    """One walk over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.at = 0
        self.nesting = 0

    @property
    def now(self) -> Token:
        return self.tokens[self.at]

    def wrong(self, expected: str) -> NotFhirpath:
        found = f"found {self.now.text!r}" if self.now.kind != "end" else "the text ends"
        return NotFhirpath.at(self.text, self.now.offset, f"expected {expected}, {found}.")

    def next(self) -> Token:
        token = self.now
        self.at += 1
        return token

    def sees(self, *symbols: str) -> bool:
        return self.now.kind == "symbol" and self.now.text in symbols

    def takes(self, symbol: str) -> bool:
        if seen := self.sees(symbol):
            self.at += 1
        return seen

    def expect(self, symbol: str) -> None:
        if not self.takes(symbol):
            raise self.wrong(repr(symbol))

    def whole(self) -> ast.Expression:
        expression = self.expression(0)
        if self.now.kind != "end":
            raise self.wrong("an operator or the end")
        return expression

    def expression(self, floor: int) -> ast.Expression:
        """An expression of operators that bind tighter than `floor`."""
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise NotFhirpath.at(self.text, self.now.offset, "this is nested too deeply.")
        left = self.operand()
        while (power := self.power()) > floor:
            left = self.operation(left, power)
        self.nesting -= 1
        return left

    def power(self) -> int:
        """How tightly the operator at hand binds; 0 where there is none."""
        if self.now.kind not in ("symbol", "name"):
            return 0
        return BINARY.get(self.now.text) or TYPE_OPERATORS.get(self.now.text, 0)

    def operation(self, left: ast.Expression, power: int) -> ast.Expression:
        operator = self.next().text
        if operator in TYPE_OPERATORS:
            return ast.TypeOperation(operator, left, self.type_name())
        return ast.Binary(operator, left, self.expression(power))

    def type_name(self) -> ast.TypeName:
        first = self.identifier("the name of a type")
        if self.takes("."):
            return ast.TypeName(self.identifier("the name of a type"), first)
        return ast.TypeName(first)

    def operand(self) -> ast.Expression:
        if self.sees("+", "-"):
            return ast.Unary(self.next().text, self.expression(UNARY))
        node = self.term()
        while True:
            if self.takes("."):
                node = self.invocation(node)
            elif self.takes("["):
                node = ast.Indexer(node, self.expression(0))
                self.expect("]")
            else:
                return node

    def term(self) -> ast.Expression:
        if self.takes("("):
            inner = self.expression(0)
            self.expect(")")
            return inner
        if self.takes("{"):
            self.expect("}")
            return ast.Empty()
        if self.takes("%"):
            return self.variable()
        return self.literal() or self.invocation(None)

    def variable(self) -> ast.Variable:
        if self.now.kind == "string":
            return ast.Variable(self.next().text)
        return ast.Variable(self.identifier("the name of a constant"))

    def literal(self) -> ast.Expression | None:
        kind, text = self.now.kind, self.now.text
        if kind == "number":
            return self.number(self.next())
        if kind not in _LITERALS or (kind == "name" and text not in ("true", "false")):
            return None
        return _LITERALS[kind](self.next().text)

    def number(self, token: Token) -> ast.Expression:
        if self.now.kind == "string":
            return ast.Quantity(Decimal(token.text), self.next().text)
        if self.now.kind == "name" and self.now.text in CALENDAR:
            return ast.Quantity(Decimal(token.text), CALENDAR[self.next().text], calendar=True)
        if "." in token.text:
            return ast.Number(Decimal(token.text))
        if len(token.text.lstrip("0")) > 10 or int(token.text) > MAX_INTEGER:
            raise NotFhirpath.at(
                self.text, token.offset, "an Integer has 32 bits; write a Decimal (with .0)."
            )
        return ast.Integer(int(token.text))

    def invocation(self, base: ast.Expression | None) -> ast.Expression:
        """What may follow a dot. `base.$this` is `$this`: the base has no say in it."""
        if self.now.kind == "dollar":
            if self.now.text not in _DOLLARS:
                raise self.wrong("$this, $index or $total")
            return _DOLLARS[self.next().text]
        # Narrative.div: the grammar wants it in back quotes, the patch suite of FHIR has it plain.
        if base is not None and self.now.text == "div":
            return ast.Member(base, self.next().text)
        name = self.identifier("a value, a name or a function")
        if self.takes("("):
            return ast.Call(base, name, self.arguments())
        return ast.Member(base, name)

    def identifier(self, expected: str) -> str:
        token = self.now
        if token.kind == "delimited" or (token.kind == "name" and token.text not in RESERVED):
            return self.next().text
        raise self.wrong(expected)

    def arguments(self) -> tuple[ast.Expression, ...]:
        if self.takes(")"):
            return ()
        found = [self.expression(0)]
        while self.takes(","):
            found.append(self.expression(0))
        self.expect(")")
        return tuple(found)


def _boolean(text: str) -> ast.Expression:
    return ast.Boolean(text == "true")


def _string(text: str) -> ast.Expression:
    return ast.String(text)


def _date(text: str) -> ast.Expression:
    return ast.Date(text[1:])


def _datetime(text: str) -> ast.Expression:
    return ast.DateTime(text[1:].rstrip("T"))


def _time(text: str) -> ast.Expression:
    return ast.Time(text[2:])


_LITERALS: Final = {
    "name": _boolean,
    "string": _string,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
}
