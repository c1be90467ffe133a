"""What translated expressions call: the few things that plain Python does not say in one line."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

import msgspec
import re2

from careplane.fhir import ucum
from careplane.fhir.moment import interval

UCUM = "http://unitsofmeasure.org"

_OPERATORS: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class HeadMeta(
    msgspec.Struct, rename={"versionId_ext": "_versionId", "lastUpdated_ext": "_lastUpdated"}
):
    """What the rules about contained resources ask of their `meta`."""

    versionId: str | None = None  # noqa: N815  (a name of FHIR)
    versionId_ext: dict[str, msgspec.Raw] | None = None  # noqa: N815
    lastUpdated: str | None = None  # noqa: N815
    lastUpdated_ext: dict[str, msgspec.Raw] | None = None  # noqa: N815
    security: list[msgspec.Raw] | None = None


class Head(msgspec.Struct):
    """What every resource has, whatever its type."""

    resourceType: str = ""  # noqa: N815
    id: str | None = None
    meta: HeadMeta | None = None
    implicitRules: str | None = None  # noqa: N815
    language: str | None = None
    contained: list[msgspec.Raw] | None = None


_HEAD = msgspec.json.Decoder(Head, strict=False)


def head(raw: msgspec.Raw) -> Head:
    """The head of a resource that stands as bytes inside of another one."""
    return _HEAD.decode(raw)


class Referring(Protocol):
    """A Reference."""

    @property
    def reference(self) -> str | None: ...
    @property
    def type(self) -> str | None: ...


def refers_to(reference: Referring, type_name: str) -> bool:
    """Whether a reference points to a resource of the type, by its text or else by its `type`."""
    text = reference.reference
    if text is None or text.startswith(("urn:", "#")):
        return reference.type == type_name
    if text.startswith(type_name):
        return text.startswith("/", len(type_name))
    return f"/{type_name}/" in text


class Measured(Protocol):
    """A Quantity."""

    @property
    def value(self) -> Decimal | None: ...
    @property
    def system(self) -> str | None: ...
    @property
    def code(self) -> str | None: ...
    @property
    def unit(self) -> str | None: ...


def moments(left: str, symbol: str, right: str) -> bool | None:
    """Dates and times compared; None where their precisions do not allow an answer."""
    (low, high), (other_low, other_high) = interval(left), interval(right)
    if (low, high) == (other_low, other_high):
        return _OPERATORS[symbol](0, 0)
    if high <= other_low:
        return _OPERATORS[symbol](0, 1)
    if low >= other_high:
        return _OPERATORS[symbol](1, 0)
    return None


def quantities(left: Measured, symbol: str, right: Measured) -> bool | None:
    """Quantities compared, over units of UCUM too; None where they do not allow an answer."""
    if left.value is None or right.value is None:
        return None
    if (left.system, left.code or left.unit) == (right.system, right.code or right.unit):
        return _OPERATORS[symbol](compared(left.value, right.value), 0)
    if not (left.code and right.code and left.system == right.system == UCUM):
        return None
    try:
        return _OPERATORS[symbol](ucum.compare(left.value, left.code, right.value, right.code), 0)
    except (ucum.NotAUnit, ucum.NotComparable):
        return None


def compared(left: Decimal, right: Decimal) -> int:
    """-1, 0 or 1."""
    return (left > right) - (left < right)


def matches(text: str, pattern: str) -> bool:
    """`matches()`: somewhere in the text, in time linear in it."""
    return _pattern(pattern).search(text) is not None


@lru_cache(maxsize=512)
def _pattern(pattern: str) -> re2._Regexp:
    return re2.compile(pattern)


def distinct(values: Iterable[Hashable]) -> bool:
    """Whether no value comes twice."""
    seen = list(values)
    return len(set(seen)) == len(seen)


def to_integer(text: str) -> int | None:
    """`toInteger()`."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
        return None
    number = int(text)
    return number if -(2**31) <= number < 2**31 else None


CALLED = ("head", "refers_to", "moments", "quantities", "matches", "distinct", "to_integer")
"""The names that translated text may use."""
