"""What a resource is found by: the values of its search parameters, before any engine's layout.

An extractor makes `Rows` out of a resource; an engine turns them into its own keys and tables; the
memory engine matches them as they are. A parameter is named by type and code: `Observation.code`,
or `Resource._tag` where every type has it.
"""

from __future__ import annotations

from typing import NamedTuple, NewType

from msgspec import Struct

Param = NewType("Param", str)

BEGINNING, END = -(2**62), 2**62
"""The open ends of a date range, in microseconds since 1970 (about 146,000 years either way)."""


NARRATIVE = Param("Resource._text")
"""The words of a resource's narrative."""
OTHER = Param("Resource._content")
"""The words of all its other text."""


class TokenRow(NamedTuple):
    """A coding, identifier, code, boolean or contact. `system` is None where the element has none;
    `code` is kept as written."""

    param: Param
    system: str | None
    code: str


class StringRow(NamedTuple):
    """A text; `folded` is `fold(text)`, on which all but `:exact` work."""

    param: Param
    folded: str
    text: str


class ReferenceRow(NamedTuple):
    """A reference to a resource of this server, by type and logical id. References to other
    servers, urn: and canonical references are `UriRow`s of the same parameter."""

    param: Param
    type: str
    id: str


class UriRow(NamedTuple):
    """A uri, url, canonical (its `|version` kept), oid, uuid or an absolute reference."""

    param: Param
    value: str


class DateRow(NamedTuple):
    """The half-open range [low, high) that a date of any precision, Period or Timing covers, in
    microseconds since 1970 UTC; a date without a zone is UTC."""

    param: Param
    low: int
    high: int


class NumberRow(NamedTuple):
    """A closed range [low, high]; a single number has low == high; open ends are infinities."""

    param: Param
    low: float
    high: float


class QuantityRow(NamedTuple):
    """A quantity as written, and in canonical UCUM units where its unit is UCUM.

    `low == high` except for ranges and comparators (`<5` is [-inf, 5]). `code` is the unit's code,
    or its text where there is no code. `canonical` is None where the unit is not UCUM.
    """

    param: Param
    low: float
    high: float
    system: str | None
    code: str | None
    canonical: CanonicalQuantity | None


class CanonicalQuantity(NamedTuple):
    """The same range in UCUM base units: `5 mg/dL` is `50 g.m-3`."""

    low: float
    high: float
    unit: str


class CompositeRow(NamedTuple):
    """One group of values that belong together, for a composite parameter. The parts are ordinary
    rows whose parameters are `part(param, 0)`, `part(param, 1)`, ..."""

    param: Param
    parts: Rows


class WordsRow(NamedTuple):
    """A text for full-text search, as `search.words.words` has it. A resource has both NARRATIVE
    and OTHER, or none where full-text search is off."""

    param: Param
    words: str


class Rows(Struct, array_like=True):
    """All rows of one resource. An extractor fills it and nobody changes it afterwards."""

    tokens: list[TokenRow] = []
    strings: list[StringRow] = []
    references: list[ReferenceRow] = []
    uris: list[UriRow] = []
    dates: list[DateRow] = []
    numbers: list[NumberRow] = []
    quantities: list[QuantityRow] = []
    composites: list[CompositeRow] = []
    words: list[WordsRow] = []


def part(param: Param, index: int) -> Param:
    """The name of one component of a composite parameter: `Observation.code-value-quantity#1`."""
    return Param(f"{param}#{index}")


def text_of(param: Param) -> Param:
    """Where `:text` looks: the strings of display and text beside a token parameter's codes."""
    return Param(f"{param}:text")


def identifier_of(param: Param) -> Param:
    """Where `:identifier` looks: the logical identifiers of a reference parameter, as tokens."""
    return Param(f"{param}:identifier")


def of_type(param: Param) -> Param:
    """Where `:of-type` looks: tokens with the type's system, and `type-code|value` as the code."""
    return Param(f"{param}:of-type")
