"""Primitive values as XML attributes and as JSON values; no digit of a decimal is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from careplane.fhir.tree import MAX_DIGITS, Number, is_sane_number

Value = str | bool | Number

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,6})?")
_BOOLEANS = {"true": True, "false": False}


def _integer(text: str) -> int | None:
    return int(text) if len(text) <= MAX_DIGITS and _INTEGER.fullmatch(text) else None


def _decimal(text: str) -> Number | None:
    # As in JSON, digits alone are an int; "-0" is not, because an int has no negative zero.
    whole = _integer(text)
    if whole is not None and text != "-0":
        return whole
    if len(text) > MAX_DIGITS or not _DECIMAL.fullmatch(text):
        return None
    number = Decimal(text)
    return number if is_sane_number(number) else None


FROM_TEXT: dict[str, Callable[[str], Value | None]] = {
    "boolean": _BOOLEANS.get,
    "integer": _integer,
    "positiveInt": _integer,
    "unsignedInt": _integer,
    "decimal": _decimal,
}
"""Primitive type -> the JSON value of a lexical form, None where that is not one of the type.

Other types are strings and taken as they are: their rules are checked on the tree, alike for JSON
and XML.
"""


def to_text(value: Value) -> str:
    """The lexical form of a JSON value."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    return str(value)
