"""From AST to text: the shortest form that parses back into the same AST."""

from __future__ import annotations

import re
from typing import Final

from careplane.fhir.fhirpath import ast
from careplane.fhir.fhirpath.parser import BINARY, RESERVED, TYPE_OPERATORS, UNARY

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TERM: Final = UNARY + 1
_ESCAPES: Final = {
    "\\": "\\\\",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}


def show(node: ast.Expression) -> str:
    """The expression as text."""
    return _shown(node, 0)


def _shown(node: ast.Expression, floor: int) -> str:
    """The text, in parentheses if what stands around it binds tighter than its operator."""
    text = _text(node)
    return f"({text})" if _power(node) < floor else text


def _power(node: ast.Expression) -> int:
    match node:
        case ast.Binary(operator, _, _):
            return BINARY[operator]
        case ast.TypeOperation(operator, _, _):
            return TYPE_OPERATORS[operator]
        case ast.Unary():
            return UNARY
        case _:
            return _TERM


def _text(node: ast.Expression) -> str:
    match node:
        case ast.Binary(operator, left, right):
            power = BINARY[operator]
            return f"{_shown(left, power)} {operator} {_shown(right, power + 1)}"
        case ast.TypeOperation(operator, operand, type_):
            return f"{_shown(operand, TYPE_OPERATORS[operator])} {operator} {_type(type_)}"
        case ast.Unary(operator, operand):
            return f"{operator}{_shown(operand, UNARY)}"
        case ast.Member(base, name):
            return f"{_base(base)}{_identifier(name)}"
        case ast.Call(base, name, arguments):
            given = ", ".join(show(argument) for argument in arguments)
            return f"{_base(base)}{_identifier(name)}({given})"
        case ast.Indexer(base, index):
            return f"{_shown(base, _TERM)}[{show(index)}]"
        case _:
            return _literal(node)


def _base(base: ast.Expression | None) -> str:
    return "" if base is None else f"{_shown(base, _TERM)}."


def _literal(node: ast.Expression) -> str:
    match node:
        case ast.Boolean(value):
            return "true" if value else "false"
        case ast.Number(value):
            text = f"{value:f}"
            return text if "." in text else f"{text}.0"
        case ast.Integer(value):
            return str(value)
        case ast.String(value):
            return _quoted(value, "'")
        case ast.Quantity(value, unit, calendar):
            return f"{value:f} {unit if calendar else _quoted(unit, chr(39))}"
        case ast.Variable(name):
            return f"%{_identifier(name)}"
        case ast.Date(text):
            return f"@{text}"
        case ast.DateTime(text):
            return f"@{text}" if "T" in text else f"@{text}T"
        case ast.Time(text):
            return f"@T{text}"
        case _:
            return _FIXED[type(node)]


_FIXED: Final[dict[type, str]] = {
    ast.Empty: "{}",
    ast.This: "$this",
    ast.Index: "$index",
    ast.Total: "$total",
}


def _type(type_: ast.TypeName) -> str:
    name = _identifier(type_.name)
    return name if type_.namespace is None else f"{_identifier(type_.namespace)}.{name}"


def _identifier(name: str) -> str:
    plain = _PLAIN.fullmatch(name) and name not in RESERVED
    return name if plain else _quoted(name, "`")


def _quoted(text: str, quote: str) -> str:
    escapes = {**_ESCAPES, quote: f"\\{quote}"}
    return quote + "".join(escapes.get(letter, letter) for letter in text) + quote
