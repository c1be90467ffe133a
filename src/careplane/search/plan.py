"""A search as a value: what is asked, free of syntax above it and of tables below it.

`search.parse` makes a plan of a query string, `access.decide` makes one of a caller's rights and
ANDs it in, an engine runs it, and `search.match` says what it means: for one resource's rows, true
or false. Two engines agree when both agree with `match`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

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
    """How a string is compared: on folded text, except EXACT. SAME is the whole of it."""

    STARTS = "starts"
    CONTAINS = "contains"
    SAME = "same"
    EXACT = "exact"


class UriMode(StrEnum):
    """EXACT, or along the path: BELOW `http://a/b` finds `http://a/b/c`, ABOVE the reverse."""

    EXACT = "exact"
    BELOW = "below"
    ABOVE = "above"


class Everything(Struct, frozen=True):
    """Every resource."""


EVERYTHING = Everything()


class Nothing(Struct, frozen=True):
    """No resource."""


class And(Struct, frozen=True):
    """All of the parts; with no part, everything."""

    parts: tuple[Node, ...]


class Or(Struct, frozen=True):
    """Any of the parts; with no part, nothing."""

    parts: tuple[Node, ...]


class Not(Struct, frozen=True):
    """Resources of the query's types that do not match."""

    part: Node


class OfType(Struct, frozen=True):
    """Resources of these types."""

    types: frozenset[str]


class Ids(Struct, frozen=True):
    """Resources by logical id, of whatever type the query or an OfType beside it allows."""

    ids: frozenset[str]


class Keys(Struct, frozen=True):
    """Resources by type and logical id: `("Patient", "1")`."""

    keys: frozenset[tuple[str, str]]


class Updated(Struct, frozen=True):
    """`_lastUpdated`; [low, high) in microseconds, as a DateRow whose range is one millisecond."""

    prefix: Prefix
    low: int
    high: int


class Coding(Struct, frozen=True):
    """One value of a token search: `code` alone has `any_system`; `|code` has system None;
    `system|` has code None."""

    system: str | None
    code: str | None
    any_system: bool = False


class Token(Struct, frozen=True):
    """Any of the codings."""

    param: Param
    codings: tuple[Coding, ...]


class Text(Struct, frozen=True):
    """Any of the values, already folded unless EXACT."""

    param: Param
    mode: TextMode
    values: tuple[str, ...]


class FullText(Struct, frozen=True):
    """One of the texts has these words, one after the other; `words` as `search.words` makes them,
    at least one. `open`: the last one may go on (`card*`)."""

    texts: frozenset[Param]
    words: str
    open: bool = False


class Uri(Struct, frozen=True):
    """Any of the values. A canonical without version also finds every `|version` of it."""

    param: Param
    mode: UriMode
    values: tuple[str, ...]


class Reference(Struct, frozen=True):
    """A reference to any of the targets, `(type, id)`."""

    param: Param
    targets: frozenset[tuple[str, str]]


class Date(Struct, frozen=True):
    """A date range; see Prefix."""

    param: Param
    prefix: Prefix
    low: int
    high: int


class Number(Struct, frozen=True):
    """A number range; see Prefix. For `eq` and `ne` the range asked for is half-open [low, high),
    the precision of what was written: `100` is [99.5, 100.5). For `ap` it is closed and widened;
    for the others it is the point low == high, since they ignore precision."""

    param: Param
    prefix: Prefix
    low: float
    high: float


class Quantity(Struct, frozen=True):
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


class Near(Struct, frozen=True):
    """A position within a great circle's distance. `param` has the latitude as its part 0 and the
    longitude as its part 1, in degrees; `distance` is in kilometres."""

    param: Param
    latitude: float
    longitude: float
    distance: float


class Composite(Struct, frozen=True):
    """One group of the composite parameter matches `where`, whose leaves name `part(param, n)`."""

    param: Param
    where: Node


class Present(Struct, frozen=True):
    """The resource has any value for the parameter (`:missing=false`)."""

    param: Param


class Chain(Struct, frozen=True):
    """A reference through `param` to a resource of one of `types` that matches `where`
    (`subject:Patient.name=...`). The target must not be deleted."""

    param: Param
    types: frozenset[str]
    where: Node


class Has(Struct, frozen=True):
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
    | FullText
    | Uri
    | Reference
    | Date
    | Number
    | Quantity
    | Near
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


class SortKey(Struct, frozen=True):
    """One key of `_sort`; ties are broken by the next key, then by the order in which the store
    first heard of the resources: as a rule that of creation, or of the first reference to it."""

    param: Param
    by: SortBy
    descending: bool = False


class Query(Struct, frozen=True):
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
