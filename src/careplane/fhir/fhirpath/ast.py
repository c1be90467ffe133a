"""The parsed form of a FHIRPath expression (FHIRPath 2.0, grammar N1).

Values, equal when they mean the same text: parentheses and comments leave no trace. A missing
`base` means that the expression starts from its context (`name.given` is
`Member(Member(None, "name"), "given")`), and the first name may then be a type (`Patient.name`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Empty:
    """`{}`, the empty collection."""


@dataclass(frozen=True, slots=True)
class Boolean:
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True)
class Integer:
    """`42`."""

    value: int


@dataclass(frozen=True, slots=True)
class Number:
    """`4.20`, a System.Decimal with the digits of the text."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class String:
    """`'text'`, its escapes resolved."""

    value: str


@dataclass(frozen=True, slots=True)
class Date:
    """`@2015-02`; `text` is without the `@`, and names a day, month or year that exists."""

    text: str


@dataclass(frozen=True, slots=True)
class DateTime:
    """`@2015-02T` or `@2015-02-04T14:34:28+10:00`; `text` is without the `@` and a closing `T`."""

    text: str


@dataclass(frozen=True, slots=True)
class Time:
    """`@T14:34`; `text` is without the `@T`."""

    text: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """`10 'mg'` or `4 days`; `calendar` tells the word `days` from the UCUM unit `'d'`.

    The unit of a calendar duration is in the singular (`day`).
    """

    value: Decimal
    unit: str
    calendar: bool = False


@dataclass(frozen=True, slots=True)
class This:
    """`$this`."""


@dataclass(frozen=True, slots=True)
class Index:
    """`$index`."""


@dataclass(frozen=True, slots=True)
class Total:
    """`$total`."""


@dataclass(frozen=True, slots=True)
class Variable:
    """`%resource`, `%'vs-name'`: an external constant."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """`base.name`: a child element, or at the start of an expression perhaps a type."""

    base: Expression | None
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """`base.name(arguments)`; for `is`, `as` and `ofType` the argument names a type."""

    base: Expression | None
    name: str
    arguments: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Indexer:
    """`base[index]`."""

    base: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Unary:
    """`+operand` or `-operand`."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`, for every operator of the tables in `parser.py`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class TypeName:
    """`Quantity`, `System.Quantity`, `FHIR.Quantity`."""

    name: str
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class TypeOperation:
    """`operand is type` or `operand as type`."""

    operator: str
    operand: Expression
    type: TypeName


Literal = Empty | Boolean | Integer | Number | String | Date | DateTime | Time | Quantity
Expression = (
    Literal
    | This
    | Index
    | Total
    | Variable
    | Member
    | Call
    | Indexer
    | Unary
    | Binary
    | TypeOperation
)


def children(node: Expression) -> tuple[Expression, ...]:
    """The expressions that stand directly inside this one."""
    match node:
        case Member(base, _):
            return (base,) if base is not None else ()
        case Call(base, _, arguments):
            return (base, *arguments) if base is not None else arguments
        case Indexer(base, index):
            return (base, index)
        case Unary(_, operand) | TypeOperation(_, operand, _):
            return (operand,)
        case Binary(_, left, right):
            return (left, right)
        case _:
            return ()


def type_name(node: Expression) -> TypeName | None:
    """The type that an argument of `is`, `as` or `ofType` names, None where it names none."""
    match node:
        case Member(None, name):
            return TypeName(name)
        case Member(Member(None, namespace), name):
            return TypeName(name, namespace)
        case _:
            return None
