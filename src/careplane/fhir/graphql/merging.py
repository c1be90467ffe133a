"""Fields of one object by their names in the answer: fragments that apply are put in, and what is
selected twice becomes one (GraphQL, 6.3.2 CollectFields and 5.3.2 Field Selection Merging)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from careplane.fhir.graphql.query import Field, Selection
from careplane.fhir.graphql.schema import applies
from careplane.kernel.errors import Incorrect


class Merging:
    """Remembers what it merged, since most objects of a graph are asked for the same fields."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        # The selections stand beside the fields, so that their identity stays theirs.
        self._found: dict[tuple[str, int], tuple[tuple[Selection, ...], tuple[Field, ...]]] = {}

    def fields(self, type: str, selections: tuple[Selection, ...]) -> tuple[Field, ...]:
        """The fields to answer for a value of this type. Raises Incorrect for one name that stands
        for two different things."""
        key = (type, id(selections))
        if key not in self._found:
            self._found[key] = selections, _merged(type, selections)
        return self._found[key][1]


def _merged(type: str, selections: tuple[Selection, ...]) -> tuple[Field, ...]:
    found: dict[tuple[str, object], Field] = {}
    for field in _applying(type, selections):
        # R4 resolves one reference by several types under one name; one of them at most applies.
        by_type = (
            field.argument("type") if (type, field.name) == ("Reference", "resource") else None
        )
        present = found.get((field.key, by_type))
        if present is None:
            found[field.key, by_type] = field
            continue
        if replace(field, selections=()) != replace(present, selections=()):
            raise Incorrect(
                f"{field.key[:64]!r} stands for two different things; give one an alias."
            )
        both = present.selections + field.selections
        found[field.key, by_type] = replace(present, selections=both)
    return tuple(found.values())


def _applying(type: str, selections: tuple[Selection, ...]) -> Iterator[Field]:
    for selection in selections:
        if isinstance(selection, Field):
            yield selection
        elif applies(selection.on, type):
            yield from _applying(type, selection.selections)
