"""What a profile says, compiled: a tree of rules which holds only what the base type does not.

Base validation has run before: a rule that R4's own definition of the type states too is left out,
and a part of the tree that is left with no rule is not there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from careplane.fhir.definitions import Invariant
from careplane.fhir.tree import Tree

Strength = Literal["required", "extensible", "preferred", "example"]


@dataclass(frozen=True, slots=True)
class TypeRule:
    """One type that an element may have; profiles are alternatives, so are target profiles."""

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    aggregation: frozenset[str] = frozenset()
    versioning: str = "either"


@dataclass(frozen=True, slots=True)
class Bound:
    """A binding. `purpose` is set for an additional one (required, extensible, ...)."""

    strength: Strength
    value_set: str
    maximum: str = ""
    purpose: str = ""
    usage: tuple[Tree, ...] = ()
    any_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Discriminator:
    """How a slice is told from another: by what (`value`, `type`, ...), and where it stands."""

    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Slicing:
    """How the repeats of an element are divided."""

    discriminators: tuple[Discriminator, ...]
    ordered: bool
    rules: Literal["open", "closed", "openAtEnd"]


@dataclass(slots=True, eq=False)
class Rule:
    """What is asked of one element. Empty fields ask nothing.

    `name` is that of FHIRPath (`value` for `value[x]`), `source` tells profile and element.
    """

    name: str
    source: str
    slice_name: str = ""
    min: int = 0
    max: int | None = None
    types: tuple[TypeRule, ...] = ()
    fixed: Any = None
    pattern: Any = None
    least: tuple[str, Any] | None = None
    most: tuple[str, Any] | None = None
    max_length: int | None = None
    min_length: int | None = None
    regex: str = ""
    binding: Bound | None = None
    additional: tuple[Bound, ...] = ()
    invariants: tuple[Invariant, ...] = ()
    slicing: Slicing | None = None
    slices: tuple[Rule, ...] = ()
    children: dict[str, Rule] = field(default_factory=dict)
    language: str = ""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is asked, here and below."""
        return not (
            self.min
            or self.max is not None
            or self.children
            or self.slices
            or self.slicing
            or self.is_about_value
        )

    @property
    def is_about_value(self) -> bool:
        """Whether something is asked of the element itself, beside its number and its children."""
        return bool(
            self.types
            or self.fixed is not None
            or self.pattern is not None
            or self.least
            or self.most
            or self.max_length is not None
            or self.min_length is not None
            or self.regex
            or self.binding
            or self.additional
            or self.invariants
            or self.language
        )


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A compiled StructureDefinition. `root` holds the rules of the element or resource itself."""

    url: str
    version: str
    name: str
    type: str
    kind: str
    root: Rule
    definition: Tree
