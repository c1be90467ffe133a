"""What one version of one code system holds, whoever keeps it (FHIR R4, 4.8).

Operations ask through `Concepts`. One is made of a CodeSystem resource and lives in memory
(`resource.py`); large ones stand in a store. Both pass the same contract suite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol, TypeAlias

from careplane.fhir.tree import Tree

Content = Literal["not-present", "example", "fragment", "complete", "supplement"]
Meaning = Literal["", "grouped-by", "is-a", "part-of", "classified-with"]
Operator = Literal[
    "=", "is-a", "descendent-of", "is-not-a", "regex", "in", "not-in", "generalizes", "exists",
    "child-of", "descendent-leaf",
]  # fmt: skip
Value: TypeAlias = str | bool | int | Decimal | Tree
"""Of a property: a Coding is a tree, a dateTime its text."""


@dataclass(frozen=True, slots=True)
class Designation:
    """Another representation of a concept. `use` is a Coding; `source` the canonical of the
    supplement that it comes from."""

    value: str
    language: str = ""
    use: Tree | None = None
    extension: tuple[Tree, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Property:
    """What a concept says of itself. `type` is the ending of value[x]: code, string, Coding,
    integer, boolean, dateTime, decimal."""

    code: str
    type: str
    value: Value


@dataclass(frozen=True, slots=True)
class Concept:
    """One concept, as its code system writes it. `parents` are the codes right above it, in the
    order of the code system; `status` is empty where nothing is said. `abstract`: not to be chosen
    (4.8.11)."""

    code: str
    display: str = ""
    definition: str = ""
    designations: tuple[Designation, ...] = ()
    properties: tuple[Property, ...] = ()
    parents: tuple[str, ...] = ()
    inactive: bool = False
    abstract: bool = False
    status: str = ""
    extension: tuple[Tree, ...] = ()


@dataclass(frozen=True, slots=True)
class About:
    """What a code system says of itself. `version` is empty where it has none; `supplements` is the
    canonical of the code system that this one adds to, of content supplement. `properties`, by
    code, and `filters`, by code with their operators, are the declared ones. `header` is the
    resource without its concepts. `listed_by` is the value set that lists the commonest codes,
    where there are codes without end."""

    url: str
    version: str = ""
    name: str = ""
    title: str = ""
    content: Content = "complete"
    case_sensitive: bool = True
    hierarchy: Meaning = ""
    language: str = ""
    status: str = ""
    experimental: bool = False
    value_set: str = ""
    supplements: str = ""
    properties: Mapping[str, Tree] = field(default_factory=dict)
    filters: Mapping[str, frozenset[str]] = field(default_factory=dict)
    header: Tree = field(default_factory=dict)
    listed_by: str = ""

    @property
    def canonical(self) -> str:
        """`url|version`."""
        return f"{self.url}|{self.version}" if self.version else self.url


@dataclass(frozen=True, slots=True)
class Filter:
    """ValueSet.compose.include.filter (4.9.5): which concepts, by a property. Beside the declared
    properties, `concept` and `code` are the code, `display` the display, and `parent` and `child`
    the hierarchy. A code system may have more, such as SNOMED CT's `constraint`."""

    property: str
    op: Operator
    value: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Which concepts: those that pass every filter and have every word of `text` at the begin of a
    word of the display or of a designation, without regard to case. Nothing given: all."""

    filters: tuple[Filter, ...] = ()
    text: str = ""
    active_only: bool = False


class Concepts(Protocol):
    """The contents of one version of a code system. No call changes anything, and none takes time
    or memory beyond what it answers with. A code of any length and content may be asked for: it is
    not there. Where the code system is not case sensitive, codes match in any case and answers have
    the code as it is written there."""

    @property
    def about(self) -> About:
        """What the code system says of itself."""

    async def find(self, code: str) -> Concept | None:
        """One concept."""

    async def many(self, codes: Sequence[str]) -> dict[str, Concept]:
        """Those of the codes that are there, by the code that was asked for."""

    async def children(self, code: str) -> Sequence[str]:
        """The codes right below one, in the order of the code system."""

    async def ancestors(self, code: str) -> Sequence[str]:
        """All codes above one, each once, nearer ones first. A hierarchy with a cycle ends."""

    async def is_a(self, code: str, of: str) -> bool:
        """Whether the code is the other one or stands below it; false where one is not there."""

    async def meets(self, code: str, filters: Sequence[Filter]) -> bool:
        """Whether a concept is there and passes every filter, by itself: the answer `select` would
        give. Raises as `select` does."""

    async def select(
        self, selection: Selection, *, after: str = "", skip: int = 0, limit: int = 1000
    ) -> Sequence[Concept]:
        """A page, in an order that is always the same and has each concept behind a parent of its
        where that can be: what stands behind the code `after`, less the first `skip`. Raises
        Unsupported where a filter's property or operator is not known here, Invalid where its value
        cannot be read or would take without bound (a regular expression)."""

    async def count(self, selection: Selection) -> int:
        """How many there are. Raises as `select` does."""
