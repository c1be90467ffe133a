"""Static checks: can this expression ever work on this type? (FHIRPath 2.0, 9 Type safety)

Types are followed through the expression as sets of names. Where a set cannot be known before the
expression runs (resolve(), contained, descendants()), it is None and nothing below it is refused:
the checker only speaks where it is sure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from careplane.fhir.definitions import is_primitive, is_subtype, type_definition
from careplane.fhir.fhirpath import ast
from careplane.fhir.fhirpath import signatures as known
from careplane.fhir.fhirpath.compiler import compiled
from careplane.fhir.fhirpath.errors import NotMeaningful
from careplane.fhir.fhirpath.values.types import SYSTEM_TYPES

Types = frozenset[str] | None

BOOLEAN: Final[Types] = frozenset(("System.Boolean",))
ABSTRACT: Final = frozenset(("Resource", "DomainResource"))
SYSTEM_PARTS: Final = {
    ("System.TypeInfo", "namespace"): "System.String",
    ("System.TypeInfo", "name"): "System.String",
    ("System.Quantity", "value"): "System.Decimal",
    ("System.Quantity", "unit"): "System.String",
}
_TRUTHS: Final = "= != ~ !~ < <= > >= in contains and or xor implies"
_OPERATORS: Final = dict.fromkeys(_TRUTHS.split(), BOOLEAN)
_TIMES: Final = frozenset(("System.Date", "System.DateTime", "System.Time"))
_NUMBERS: Final = frozenset(("System.Integer", "System.Decimal"))


@dataclass(frozen=True, slots=True)
class _Context:
    """Where a part of an expression stands: the types of `$this`, and how strict to be."""

    this: Types
    root: Types
    ordered_functions: bool


def check(
    expression: ast.Expression, type_name: str | None = None, *, ordered_functions: bool = False
) -> Types:
    """The types that the expression may return on this type, None if that cannot be known.

    Raises NotMeaningful for an expression that never can work. With `ordered_functions`, taking
    the first of what has no order is refused too.
    """
    compiled(expression)
    start = None if type_name is None else frozenset((type_name,))
    return _types(expression, _Context(start, start, ordered_functions))


def _types(node: ast.Expression, context: _Context) -> Types:
    return _RULES[type(node)](node, context)


def _literal(name: str) -> Callable[[Any, _Context], Types]:
    types = frozenset((f"System.{name}",))
    return lambda node, context: types


def _nothing(node: ast.Expression, context: _Context) -> Types:
    return frozenset()


def _unknown(node: ast.Expression, context: _Context) -> Types:
    return None


def _this(node: ast.This, context: _Context) -> Types:
    return context.this


def _member(node: ast.Member, context: _Context) -> Types:
    if node.base is not None:
        return _children(_types(node.base, context), node.name)
    if not node.name[:1].isupper():
        return _children(context.this, node.name)
    if context.this is None:
        return frozenset((node.name,))
    fitting = {one for one in context.this if _may_be(one, node.name)}
    if context.this and not fitting:
        raise NotMeaningful(f"{node.name} cannot be where {_said(context.this)} stands.")
    return frozenset((node.name,)) - ABSTRACT or context.this


def _may_be(one: str, other: str) -> bool:
    """Whether something of the first type can also be of the second."""
    return is_subtype(one, other) or is_subtype(other, one)


def _children(types: Types, name: str) -> Types:
    """The types of the children of this name; at least one of the types must have it."""
    if types is None:
        return None
    found: set[str] = set()
    for one in types:
        child = _child(one, name)
        if child is None:
            return None
        found |= child
    if types and not found:
        raise NotMeaningful(f"{_said(types)} has no element {name}.")
    return None if found & ABSTRACT else frozenset(found)


def _child(type_: str, name: str) -> set[str] | None:
    """The types of one child, none where there is no such child, None for a type that is open."""
    if type_ in ABSTRACT:
        return None
    if type_.startswith("System."):
        part = SYSTEM_PARTS.get((type_, name))
        return {part} if part else set()
    try:
        element = type_definition(type_).elements.get(name)
    except KeyError:
        return None
    return set(element.types) if element else set()


def _said(types: frozenset[str]) -> str:
    return " or ".join(sorted(types)[:3])


def _indexer(node: ast.Indexer, context: _Context) -> Types:
    _types(node.index, context)
    _check_order(node.base, context)
    return _types(node.base, context)


def _unary(node: ast.Unary, context: _Context) -> Types:
    return _types(node.operand, context)


def _binary(node: ast.Binary, context: _Context) -> Types:
    left, right = _types(node.left, context), _types(node.right, context)
    if node.operator in _OPERATORS:
        return _OPERATORS[node.operator]
    if node.operator == "|":
        return None if left is None or right is None else left | right
    if left and right and left <= _TIMES and right <= _NUMBERS:
        raise NotMeaningful(f"'{node.operator}' moves a time by a duration, not by a number.")
    return frozenset(("System.String",)) if node.operator == "&" else None


def _type_operation(node: ast.TypeOperation, context: _Context) -> Types:
    operand = _types(node.operand, context)
    return BOOLEAN if node.operator == "is" else _narrowed(operand, node.type)


def _narrowed(types: Types, wanted: ast.TypeName) -> Types:
    system = wanted.namespace == "System" or (
        wanted.namespace is None and wanted.name in SYSTEM_TYPES and wanted.name != "Quantity"
    )
    if wanted.name in ABSTRACT:
        return types
    return frozenset((f"System.{wanted.name}" if system else wanted.name,))


def _call(node: ast.Call, context: _Context) -> Types:
    focus = context.this if node.base is None else _types(node.base, context)
    if node.name in ("as", "ofType"):
        wanted = ast.type_name(node.arguments[0])
        assert wanted is not None
        return _narrowed(focus, wanted)
    if node.name == "is":
        return BOOLEAN
    _check_focus(node, focus, context)
    inner = replace(context, this=focus) if node.name in known.ON_EACH else context
    if node.name == "iif" and not focus:
        inner = context
    given = [_types(argument, inner) for argument in node.arguments]
    if node.name == "iif":
        _check_criterion(given[0])
    return _result(node, focus, given)


def _check_focus(node: ast.Call, focus: Types, context: _Context) -> None:
    if node.name in known.ON_STRINGS and focus and not any(map(_may_be_string, focus)):
        raise NotMeaningful(f"{node.name}() takes a string, not {_said(focus)}.")
    if node.name in known.ON_ORDERED and node.base is not None:
        _check_order(node.base, context)


def _may_be_string(type_: str) -> bool:
    return type_ == "System.String" or is_primitive(type_) or type_ in ABSTRACT


def _check_order(base: ast.Expression, context: _Context) -> None:
    unordered = isinstance(base, ast.Call) and base.name in known.UNORDERED
    if context.ordered_functions and unordered:
        raise NotMeaningful("What children() and descendants() find has no order to choose by.")


def _check_criterion(types: Types) -> None:
    if types and not any(one in ("System.Boolean", "boolean") for one in types):
        raise NotMeaningful(f"A criterion is a boolean, not {_said(types)}.")


def _result(node: ast.Call, focus: Types, given: list[Types]) -> Types:
    result = known.RESULTS.get(node.name, known.UNKNOWN)
    match result:
        case known.SAME:
            return focus
        case known.PROJECTED:
            return given[0]
        case known.BOTH:
            return None if focus is None or given[0] is None else focus | given[0]
        case known.BRANCHES:
            return _union(given[1:])
        case known.UNKNOWN:
            return None
        case _:
            return frozenset((result,))


def _union(all_types: list[Types]) -> Types:
    found: frozenset[str] = frozenset()
    for types in all_types:
        if types is None:
            return None
        found |= types
    return found


_RULES: Final[dict[type, Callable[[Any, _Context], Types]]] = {
    ast.Empty: _nothing,
    ast.Boolean: _literal("Boolean"),
    ast.Integer: _literal("Integer"),
    ast.Number: _literal("Decimal"),
    ast.String: _literal("String"),
    ast.Date: _literal("Date"),
    ast.DateTime: _literal("DateTime"),
    ast.Time: _literal("Time"),
    ast.Quantity: _literal("Quantity"),
    ast.This: _this,
    ast.Index: _literal("Integer"),
    ast.Total: _unknown,
    ast.Variable: _unknown,
    ast.Member: _member,
    ast.Indexer: _indexer,
    ast.Call: _call,
    ast.Unary: _unary,
    ast.Binary: _binary,
    ast.TypeOperation: _type_operation,
}
