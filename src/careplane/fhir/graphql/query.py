"""A query as values: fields and fragments, with every variable, `@skip` and `@include` settled."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias, Union

Scalar: TypeAlias = bool | int | Decimal | str
Value: TypeAlias = Scalar | tuple[Scalar, ...]
Arguments: TypeAlias = tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `key` is its name in the answer; `slice` is the FHIRPath of `@slice`."""

    name: str
    key: str
    arguments: Arguments = ()
    flatten: bool = False
    first: bool = False
    singleton: bool = False
    slice: str | None = None
    selections: tuple[Selection, ...] = ()

    def argument(self, *names: str) -> Value | None:
        """The value of an argument, by any of its names."""
        return next((value for name, value in self.arguments if name in names), None)


@dataclass(frozen=True, slots=True)
class Fragment:
    """Selections for what is of the type `on`; for anything where that is None."""

    on: str | None
    selections: tuple[Selection, ...]


Selection: TypeAlias = Union[Field, Fragment]  # noqa: UP007  # a forward reference needs the name


def many(value: Value | None) -> tuple[Scalar, ...]:
    """A value as a list: GraphQL takes one where several may stand."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)
