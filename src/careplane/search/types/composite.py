"""Composite search (FHIR R4, 3.1.1.4.14): `value$value`, all parts in one group of the resource."""

from __future__ import annotations

from careplane.search.criterion import Build, Criterion, Modifiers
from careplane.search.plan import Composite, Node, all_of, any_of
from careplane.search.syntax import split


def modifiers(component: Build) -> Modifiers:
    """`component` reads one part, whatever its type is."""

    def composite(criterion: Criterion) -> Node:
        return any_of(*(one(criterion, value) for value in criterion.values))

    def one(criterion: Criterion, text: str) -> Node:
        components = criterion.parameter.components
        values = split(text, "$")
        if len(values) != len(components) or not all(values):
            raise criterion.invalid(f"write {len(components)} values with $ between them")
        parts = (
            component(criterion.with_part(parameter, value))
            for parameter, value in zip(components, values, strict=True)
        )
        return Composite(criterion.parameter.param, all_of(*parts))

    return {"": composite}
