"""An expression constraint as a value (SNOMED International, ECL 2.2)."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypeAlias

from msgspec import Struct

Way = Literal["<", "<<", "<!", "<<!", ">", ">>", ">!", ">>!"]
"""Below (`<`) or above (`>`); twice: with itself; `!`: right below or above."""
Compare = Literal["=", "!=", "<", "<=", ">", ">="]


class Everything(Struct, frozen=True):
    """`*`: every active concept."""


class One(Struct, frozen=True):
    """A concept by its identifier."""

    code: str


class Along(Struct, frozen=True):
    """What stands below or above any of some concepts."""

    way: Way
    of: Expression


class Members(Struct, frozen=True):
    """`^`: what is in any of some reference sets."""

    of: Expression


class All(Struct, frozen=True):
    """What is in all of the parts."""

    parts: tuple[Expression, ...]


class Any(Struct, frozen=True):
    """What is in any of the parts."""

    parts: tuple[Expression, ...]


class Minus(Struct, frozen=True):
    """What is in the one and not in the other."""

    one: Expression
    other: Expression


class Dotted(Struct, frozen=True):
    """`of . attribute`: the values of an attribute."""

    of: Expression
    attribute: Expression


class Refined(Struct, frozen=True):
    """`of : how`."""

    of: Expression
    how: Refinement


class Filtered(Struct, frozen=True):
    """`of {{ ... }}`. `texts`: alternatives, of each of which every word must begin a word of a
    description. `active`: None where nothing is said."""

    of: Expression
    texts: tuple[str, ...] = ()
    active: bool | None = None


class Times(Struct, frozen=True):
    """How often, `[least..most]`; without `most`, any number of times."""

    least: int = 1
    most: int | None = None


class Attribute(Struct, frozen=True):
    """`[times] R name = value`. A value is an expression, a number, a text or a truth."""

    name: Expression
    compare: Compare
    value: Expression | Decimal | str | bool
    times: Times = Times()
    reverse: bool = False


class Group(Struct, frozen=True):
    """`[times] { ... }`: in one relationship group."""

    how: Refinement
    times: Times = Times()


class Both(Struct, frozen=True):
    """All of the parts hold."""

    parts: tuple[Refinement, ...]


class Either(Struct, frozen=True):
    """Any of the parts holds."""

    parts: tuple[Refinement, ...]


Expression: TypeAlias = (
    Everything | One | Along | Members | All | Any | Minus | Dotted | Refined | Filtered
)
Refinement: TypeAlias = Attribute | Group | Both | Either
