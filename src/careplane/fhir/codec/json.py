"""JSON to a tree and back (FHIR R4, 2.6.2; RFC 8259), strict, with every digit of a number kept.

Refused: bytes that are not UTF-8, a byte order mark, duplicate keys, NaN and Infinity, lone
surrogates, NUL, more than `MAX_DEPTH` levels, numbers of absurd length. Time and memory are linear
in the size of the input, whatever it is.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import msgspec

from careplane.fhir.tree import MAX_DEPTH, Number, Tree, is_sane_number
from careplane.kernel.errors import Malformed

_LONGEST_NUMBER = 1000
# Possessive quantifiers: no backtracking, so no memory for it either. A string that never ends goes
# to the end of the text, so that no quotation mark in it is tried as the begin of another one.
_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_NUL = re.compile(r"\\u0000|\x00")
_encoder = msgspec.json.Encoder(decimal_format="number")


def parse(raw: bytes) -> Tree:
    """The tree of one JSON object. Raises Malformed, with the place, for anything else."""
    tree = parse_value(raw)
    if not isinstance(tree, dict):
        raise Malformed("Expected a JSON object")
    return tree


def parse_value(raw: bytes) -> Any:
    """Any JSON value, as strictly: a JSON Patch is an array. Raises Malformed, with the place."""
    text = _decode(raw)
    _check_depth(text)
    value = _load(text)
    if _SURROGATE.search(text):
        _check_surrogates(value)
    if _NUL.search(text) and _has_nul(value):
        raise Malformed("A string contains the character NUL")
    return value


def dump(tree: Tree) -> bytes:
    """The JSON of a tree, minified, members in their order."""
    return _encoder.encode(tree)


def pretty(raw: bytes) -> bytes:
    """JSON with line breaks and indentation, values and digits untouched."""
    return msgspec.json.format(raw, indent=2)


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"Not UTF-8 at byte {error.start}") from None


def _check_depth(text: str) -> None:
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return
    depth = 0
    for match in _BRACKET.finditer(text):
        bracket = match.group()
        if bracket in ("{", "["):
            depth += 1
            if depth > MAX_DEPTH:
                raise Malformed(f"More than {MAX_DEPTH} levels at {_place(text, match.start())}")
        elif bracket in ("}", "]"):
            depth -= 1


def _load(text: str) -> Any:
    try:
        return _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise Malformed(f"{error.msg} at {_place(text, error.pos)}") from None


def _place(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    return f"line {line} column {position - text.rfind(chr(10), 0, position)}"


def _object(pairs: list[tuple[str, Any]]) -> Tree:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        seen: set[str] = set()
        # `add` returns None, so the generator stops at the first name seen twice.
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise Malformed(f"The name {twice[:64]!r} stands twice in one object")
    return tree


def _integer(text: str) -> Number:
    if len(text) > _LONGEST_NUMBER:
        _absurd()
    return _sane(int(text))


def _decimal(text: str) -> Number:
    if len(text) > _LONGEST_NUMBER:
        _absurd()
    try:
        return _sane(Decimal(text))
    except InvalidOperation:
        _absurd()


def _sane(number: Number) -> Number:
    if not is_sane_number(number):
        _absurd()
    return number


def _absurd() -> NoReturn:
    raise Malformed("A number is longer or larger than this server takes")


def _constant(text: str) -> NoReturn:
    raise Malformed(f"{text} is not a JSON number")


_decoder = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_decimal,
    parse_constant=_constant,
)


def _check_surrogates(value: Any) -> None:
    try:
        _encoder.encode(value)
    except UnicodeEncodeError:
        raise Malformed("A string contains half of a surrogate pair") from None


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(map(_has_nul, value)) or any(map(_has_nul, value.values()))
    return isinstance(value, list) and any(map(_has_nul, value))
