"""Primitive values as XML attributes and as JSON values; no digit of a decimal is lost."""

from __future__ import annotations

import re
from decimal import Decimal

from careplane.fhir.tree import MAX_DIGITS, Number, is_sane_number

Value = str | bool | Number

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,6})?")
_BOOLEANS = {"true": True, "false": False}
_INTEGERS = frozenset(("integer", "positiveInt", "unsignedInt"))


def from_text(text: str, type_name: str) -> Value | None:
    """The JSON value of a lexical form, or None where the type's form is not kept.

    Strings are taken as they are: their rules are checked on the tree, alike for JSON and XML.
    """
    if type_name == "boolean":
        return _BOOLEANS.get(text)
    if type_name in _INTEGERS:
        return _integer(text)
    if type_name == "decimal":
        return _decimal(text)
    return text


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


def to_text(value: Value) -> str:
    """The lexical form of a JSON value."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    return str(value)
