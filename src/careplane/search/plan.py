"""A search as a value: what is asked, free of syntax above it and of tables below it.

`search.parse` makes a plan of a query string, `access.decide` makes one of a caller's rights and
ANDs it in, an engine runs it, and `search.match` says what it means: for one resource's rows, true
or false. Two engines agree when both agree with `match`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from careplane.search.rows import Param


class Prefix(StrEnum):
    """Comparators of ordered parameters (FHIR R4, 3.1.1.4.5). `s` is the range asked for, `r` the
    range of the resource; dates are half-open, numbers closed. As formulas: `search.ranges`."""

    EQ = "eq"  # s contains r
    NE = "ne"  # s does not contain r
    GT = "gt"  # r reaches above s
    LT = "lt"  # r reaches below s
    GE = "ge"  # gt or eq
    LE = "le"  # lt or eq
    SA = "sa"  # r begins after s ends
    EB = "eb"  # r ends before s begins
    AP = "ap"  # s (already widened by the parser) and r overlap


class TextMode(StrEnum):
    """How a string is compared: on folded text, except EXACT."""

    STARTS = "starts"
    CONTAINS = "contains"
    EXACT = "exact"


class UriMode(StrEnum):
    """EXACT, or along the path: BELOW `http://a/b` finds `http://a/b/c`, ABOVE the reverse."""

    EXACT = "exact"
    BELOW = "below"
    ABOVE = "above"


@dataclass(frozen=True, slots=True)
class Everything:
    """Every resource."""


EVERYTHING = Everything()


@dataclass(frozen=True, slots=True)
class Nothing:
    """No resource."""


@dataclass(frozen=True, slots=True)
class And:
    """All of the parts; with no part, everything."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of the parts; with no part, nothing."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Resources of the query's types that do not match."""

    part: Node


@dataclass(frozen=True, slots=True)
class OfType:
    """Resources of these types."""

    types: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ids:
    """Resources by logical id, of whatever type the query or an OfType beside it allows."""

    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Keys:
    """Resources by type and logical id: `("Patient", "1")`."""

    keys: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Updated:
    """`_lastUpdated`; [low, high) in microseconds, as a DateRow whose range is one millisecond."""

    prefix: Prefix
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Coding:
    """One value of a token search: `code` alone has `any_system`; `|code` has system None;
    `system|` has code None."""

    system: str | None
    code: str | None
    any_system: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """Any of the codings."""

    param: Param
    codings: tuple[Coding, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """Any of the values, already folded unless EXACT."""

    param: Param
    mode: TextMode
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Uri:
    """Any of the values. A canonical without version also finds every `|version` of it."""

    param: Param
    mode: UriMode
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to any of the targets, `(type, id)`."""

    param: Param
    targets: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Date:
    """A date range; see Prefix."""

    param: Param
    prefix: Prefix
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number range; see Prefix. For `eq` and `ne` the range asked for is half-open [low, high),
    the precision of what was written: `100` is [99.5, 100.5). For `ap` it is closed and widened;
    for the others it is the point low == high, since they ignore precision."""

    param: Param
    prefix: Prefix
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity range as Number; without `code` any unit matches on the value as written.

    With `canonical` (unit in UCUM base units, and the range in it) rows that have a canonical form
    are compared in it; others match on `system` (None: any) and `code` as written.
    """

    param: Param
    prefix: Prefix
    low: float
    high: float
    system: str | None = None
    code: str | None = None
    canonical: tuple[float, float, str] | None = None


@dataclass(frozen=True, slots=True)
class Composite:
    """One group of the composite parameter matches `where`, whose leaves name `part(param, n)`."""

    param: Param
    where: Node


@dataclass(frozen=True, slots=True)
class Present:
    """The resource has any value for the parameter (`:missing=false`)."""

    param: Param


@dataclass(frozen=True, slots=True)
class Chain:
    """A reference through `param` to a resource of one of `types` that matches `where`
    (`subject:Patient.name=...`). The target must not be deleted."""

    param: Param
    types: frozenset[str]
    where: Node


@dataclass(frozen=True, slots=True)
class Has:
    """Some resource of type `source`, matching `where`, refers here through `param` (`_has`)."""

    source: str
    param: Param
    where: Node


Node: TypeAlias = (
    Everything
    | Nothing
    | And
    | Or
    | Not
    | OfType
    | Ids
    | Keys
    | Updated
    | Token
    | Text
    | Uri
    | Reference
    | Date
    | Number
    | Quantity
    | Composite
    | Present
    | Chain
    | Has
)


class SortBy(StrEnum):
    """What a sort key compares: the lowest value of the parameter ascending, the highest
    descending; resources without a value come last either way."""

    DATE = "date"
    STRING = "string"
    TOKEN = "token"  # noqa: S105  (a kind of search parameter, no secret)
    NUMBER = "number"
    QUANTITY = "quantity"
    URI = "uri"
    REFERENCE = "reference"
    ID = "_id"
    UPDATED = "_lastUpdated"


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of `_sort`; ties are broken by the next key, then by the order in which the store
    first heard of the resources: as a rule that of creation, or of the first reference to it."""

    param: Param
    by: SortBy
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """One search. `types` empty means every type.

    `cursor` is an engine's own opaque text, from the page before. Pages of one search never show
    a resource twice and never miss one that matched all along; resources created after the first
    page are left out. Without `sort`, those that the store heard of last come last.
    """

    types: frozenset[str]
    where: Node = EVERYTHING
    sort: tuple[SortKey, ...] = ()
    count: int = 50
    cursor: str | None = None
    total: bool = False


def all_of(*parts: Node) -> Node:
    """An And without needless nesting."""
    if len(parts) == 1:
        return parts[0]
    flat: list[Node] = []
    for node in parts:
        if isinstance(node, Nothing):
            return node
        if isinstance(node, And):
            flat.extend(node.parts)
        elif not isinstance(node, Everything):
            flat.append(node)
    if not flat:
        return Everything()
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def any_of(*parts: Node) -> Node:
    """An Or without needless nesting."""
    if len(parts) == 1:
        return parts[0]
    flat: list[Node] = []
    for node in parts:
        if isinstance(node, Everything):
            return node
        if isinstance(node, Or):
            flat.extend(node.parts)
        elif not isinstance(node, Nothing):
            flat.append(node)
    if not flat:
        return Nothing()
    return flat[0] if len(flat) == 1 else Or(tuple(flat))
