"""Filters of a value set over concepts in memory (FHIR R4, 4.9.5 and the operators of 4.9.8.1).

A filter is made once into a test of a code. Regular expressions match whole values, and take time
linear in them whatever they are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

import re2

from careplane.kernel.errors import Invalid, Unsupported
from careplane.terminology.concepts import Concept, Filter

Test = Callable[[Concept], bool]
_LONGEST = 2000
"""Characters of a regular expression."""


class Hierarchy(Protocol):
    """What filters ask of the code system around a concept."""

    def above(self, code: str) -> frozenset[str]:
        """All codes above one."""

    def below(self, code: str) -> frozenset[str]:
        """All codes below one."""

    def right_below(self, code: str) -> tuple[str, ...]:
        """The children."""

    def has_property(self, code: str) -> bool:
        """Whether the code system knows this property."""


def test_of(filter: Filter, of: Hierarchy) -> Test:
    """The test that a filter is. Raises Unsupported, Invalid."""
    if filter.property in ("concept", "code"):
        return _of_code(filter, of)
    if filter.property in ("parent", "child"):
        return _of_hierarchy(filter, of)
    if not of.has_property(filter.property):
        raise Unsupported(f"The code system has no property {filter.property[:64]!r} to filter by.")
    return _of_values(filter)


def _of_code(filter: Filter, of: Hierarchy) -> Test:
    value = filter.value
    match filter.op:
        case "is-a":
            within = of.below(value) | {value}
            return lambda concept: concept.code in within
        case "descendent-of":
            below = of.below(value)
            return lambda concept: concept.code in below
        case "is-not-a":
            outside = of.below(value) | {value}
            return lambda concept: concept.code not in outside
        case "generalizes":
            above = of.above(value) | {value}
            return lambda concept: concept.code in above
        case "child-of":
            children = frozenset(of.right_below(value))
            return lambda concept: concept.code in children
        case "descendent-leaf":
            leaves = frozenset(code for code in of.below(value) if not of.right_below(code))
            return lambda concept: concept.code in leaves
    return _of_values(filter)


def _of_hierarchy(filter: Filter, of: Hierarchy) -> Test:
    def related(concept: Concept) -> tuple[str, ...]:
        up = filter.property == "parent"
        return concept.parents if up else of.right_below(concept.code)

    passes = _passes(filter)
    return lambda concept: passes(related(concept))


def _of_values(filter: Filter) -> Test:
    passes = _passes(filter)
    name = filter.property
    return lambda concept: passes(values_of(concept, name))


def values_of(concept: Concept, property: str) -> tuple[str, ...]:
    """The values of a property, as texts; a Coding is its code."""
    match property:
        case "code" | "concept":
            return (concept.code,)
        case "display":
            names = (concept.display, *(d.value for d in concept.designations))
            return tuple(name for name in names if name)
        case "definition":
            return (concept.definition,) if concept.definition else ()
        case "inactive":
            return ("true" if concept.inactive else "false",)
    return tuple(_text(p.value) for p in concept.properties if p.code == property)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.get("code", "")) if isinstance(value, dict) else str(value)


def _passes(filter: Filter) -> Callable[[tuple[str, ...]], bool]:
    value = filter.value
    match filter.op:
        case "=":
            return lambda values: value in values
        case "exists":
            if value not in ("true", "false"):
                raise Invalid("The value of a filter with the operator 'exists' is true or false.")
            return lambda values: bool(values) == (value == "true")
        case "in":
            wanted = frozenset(part.strip() for part in value.split(","))
            return lambda values: any(v in wanted for v in values)
        case "not-in":
            unwanted = frozenset(part.strip() for part in value.split(","))
            return lambda values: not any(v in unwanted for v in values)
        case "regex":
            pattern = _pattern(value)
            return lambda values: any(pattern.fullmatch(v) is not None for v in values)
    raise Unsupported(
        f"The operator {filter.op[:20]!r} is not offered for {filter.property[:64]!r}."
    )


@lru_cache(maxsize=256)
def _pattern(text: str) -> re2._Regexp[str]:
    if len(text) > _LONGEST:
        raise Invalid(f"A regular expression of a filter may have {_LONGEST} characters.")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        raise Invalid(f"The regular expression of a filter cannot be read: {error}.") from None
