"""Values of primitive types (FHIR R4, 2.24.0.1): one predicate a type, for both paths.

The patterns are those of the standard with the calendar added (no 30th of February), read as ASCII.
All are linear in the length of the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from careplane.fhir.tree import is_sane_number

MAX_STRING = 1024 * 1024
_MAX_INT = 2**31 - 1

_LEAP = r"(?:[0-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_YEAR = r"(?!0000)[0-9]{4}"
_DAY = (
    rf"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    rf"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP}-02-29)"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_MONTH = rf"{_YEAR}(?:-(?:0[1-9]|1[0-2]))?"

is_date = re.compile(rf"{_DAY}|{_MONTH}").fullmatch
is_date_time = re.compile(rf"{_DAY}(?:T{_TIME}{_ZONE})?|{_MONTH}").fullmatch
is_instant = re.compile(rf"{_DAY}T{_TIME}{_ZONE}").fullmatch
is_time = re.compile(_TIME).fullmatch
is_id = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch
is_oid = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+").fullmatch
is_uuid = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
is_uri = re.compile(r"[^ \t\n\r\f\v]+").fullmatch
is_code = re.compile(r"[^ \t\n\r\f\v]+(?:[ \t\n\r][^ \t\n\r\f\v]+)*").fullmatch
_BASE64 = re.compile(r"[0-9A-Za-z+/]*={0,2}").fullmatch
_SPACE = re.compile(r"[ \t\n\r]+")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def has_control(value: str) -> bool:
    """Whether a string has characters below 32 other than tab, line feed and carriage return."""
    return _CONTROL.search(value) is not None


def is_string(value: str) -> bool:
    """Not empty, no control characters, at most a megabyte."""
    return 0 < len(value) <= MAX_STRING and not has_control(value)


def is_base64(value: str) -> bool:
    """Groups of four characters; white space may stand between them."""
    packed = _SPACE.sub("", value)
    return bool(packed) and len(packed) % 4 == 0 and _BASE64(packed) is not None


def is_decimal(value: Any) -> bool:
    """A number of a size that can be handled."""
    return isinstance(value, int | Decimal) and type(value) is not bool and is_sane_number(value)


def _integer(least: int) -> Callable[[Any], bool]:
    def is_integer(value: Any) -> bool:
        return type(value) is int and least <= value <= _MAX_INT

    return is_integer


def _text(matches: Callable[[str], object]) -> Callable[[Any], bool]:
    def is_text(value: Any) -> bool:
        return isinstance(value, str) and bool(matches(value)) and not has_control(value)

    return is_text


VALID: dict[str, Callable[[Any], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "decimal": is_decimal,
    "integer": _integer(-_MAX_INT - 1),
    "unsignedInt": _integer(0),
    "positiveInt": _integer(1),
    "string": _text(is_string),
    "markdown": _text(is_string),
    "base64Binary": _text(is_base64),
    "canonical": _text(is_uri),
    "uri": _text(is_uri),
    "url": _text(is_uri),
    "oid": _text(is_oid),
    "uuid": _text(is_uuid),
    "code": _text(is_code),
    "id": _text(is_id),
    "date": _text(is_date),
    "dateTime": _text(is_date_time),
    "instant": _text(is_instant),
    "time": _text(is_time),
    "xhtml": _text(len),
}
"""Primitive type -> whether a JSON value is one of its values."""

EXPECTED: dict[str, str] = {
    "boolean": "true or false, without quotes",
    "decimal": "a number, without quotes",
    "integer": "a whole number of 32 bits, without quotes",
    "unsignedInt": "a whole number from 0, without quotes",
    "positiveInt": "a whole number from 1, without quotes",
    "string": "text that is not empty, without control characters, at most 1 MB",
    "markdown": "text that is not empty, without control characters, at most 1 MB",
    "base64Binary": "base64",
    "canonical": "a URL without spaces, perhaps with |version",
    "uri": "a URI without spaces",
    "url": "a URL without spaces",
    "oid": "urn:oid: and an OID",
    "uuid": "urn:uuid: and a UUID in lower case",
    "code": "a code without spaces at its ends",
    "id": "1 to 64 letters, digits, - and .",
    "date": "YYYY, YYYY-MM or YYYY-MM-DD, a day that exists",
    "dateTime": "YYYY, YYYY-MM, YYYY-MM-DD or a full time with its zone, a day that exists",
    "instant": "a full time with seconds and zone, on a day that exists",
    "time": "hh:mm:ss",
    "xhtml": "an XHTML div",
}
"""Primitive type -> what is expected, for people."""
