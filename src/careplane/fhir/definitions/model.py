"""What a StructureDefinition says, as values (FHIR R4, 5.3 StructureDefinition)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Kind = Literal["resource", "complex", "primitive", "backbone"]
Strength = Literal["required", "extensible", "preferred", "example"]


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule that is stated as a FHIRPath expression; `severity` is error or warning."""

    key: str
    severity: Literal["error", "warning"]
    human: str
    expression: str


@dataclass(frozen=True, slots=True)
class Binding:
    """The value set that an element's codes come from; `value_set` is its URL without version."""

    strength: Strength
    value_set: str


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a type.

    A choice element (`value[x]`) has the name `value`, `choice=True` and several types; its JSON
    names are in `json_names`. `max` is None for `*`. `targets` are the types that a Reference or
    canonical may point to. `xml_attribute` tells how XML writes it.
    """

    name: str
    types: tuple[str, ...]
    min: int
    max: int | None
    choice: bool = False
    summary: bool = False
    modifier: bool = False
    xml_attribute: bool = False
    targets: tuple[str, ...] = ()
    binding: Binding | None = None
    invariants: tuple[Invariant, ...] = ()

    @property
    def repeats(self) -> bool:
        """Whether JSON writes it as an array."""
        return self.max != 1 and self.max != 0

    @property
    def json_names(self) -> dict[str, str]:
        """JSON name -> type: one for a plain element, one for each type of a choice."""
        if not self.choice:
            return {self.name: self.types[0]}
        return {self.name + t[0].upper() + t[1:]: t for t in self.types}


@dataclass(frozen=True)
class TypeDef:
    """A resource, data type, primitive or backbone, with its elements in the order of the standard.

    `elements` and `invariants` include the inherited ones. `regex` is set for primitives.
    """

    name: str
    kind: Kind
    base: str
    abstract: bool
    elements: dict[str, Element]
    invariants: tuple[Invariant, ...] = ()
    regex: str = ""

    @cached_property
    def json_names(self) -> dict[str, tuple[Element, str]]:
        """JSON name -> (element, type), without `resourceType` and the `_` siblings."""
        return {
            json: (element, type_name)
            for element in self.elements.values()
            for json, type_name in element.json_names.items()
        }
