"""Values of arguments and variables (GraphQL, 2.9 Input Values and 6.1.2 Coercing Variable Values).

R4's arguments are scalars and lists of scalars; a name without quotes (`use: official`) is a text.
Numbers keep their digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from careplane.fhir.graphql.query import Scalar, Value
from careplane.fhir.tree import MAX_DIGITS, is_sane_number
from careplane.kernel.errors import Incorrect

if TYPE_CHECKING:
    from graphql.language import ast

Variables = Mapping[str, Value | None]


def value_of(node: ast.ValueNode, variables: Variables) -> Value | None:
    """What an argument says; None for null, and for a variable that was not given."""
    match node.kind:
        case "variable":
            name: str = node.name.value  # type: ignore[attr-defined]
            if name not in variables:
                raise Incorrect(f"The variable ${name[:64]} is not declared by the operation.")
            return variables[name]
        case "null_value":
            return None
        case "list_value":
            items = [value_of(item, variables) for item in node.values]  # type: ignore[attr-defined]
            return tuple(_scalar(item) for item in items)
        case "object_value":
            raise Incorrect("An argument is a scalar or a list of them, not an object.")
    return _literal(node.kind, node.value)  # type: ignore[attr-defined]


def _scalar(value: Value | None) -> Scalar:
    if value is None or isinstance(value, tuple):
        raise Incorrect("A list of values holds scalars only.")
    return value


def _literal(kind: str, value: Any) -> Scalar:
    if kind == "boolean_value":
        return bool(value)
    if kind in ("int_value", "float_value"):
        return _number(value)
    return str(value)


def _number(text: str) -> Scalar:
    if len(text) <= MAX_DIGITS:
        number = Decimal(text) if set(text) & set(".eE") else int(text)
        if is_sane_number(number):
            return number
    raise Incorrect("A number in the query is longer or larger than this server takes.")


def variables_of(
    definitions: tuple[ast.VariableDefinitionNode, ...], given: Mapping[str, Any]
) -> dict[str, Value | None]:
    """The variables of an operation: what was given, else the default, of the declared type."""
    found: dict[str, Value | None] = {}
    for one in definitions:
        name = one.variable.name.value
        if name in found:
            raise Incorrect(f"The variable ${name[:64]} is declared twice.")
        if name in given:
            value = _coerced(name, one.type, given[name])
        else:
            value = value_of(one.default_value, {}) if one.default_value else None
        if value is None and one.type.kind == "non_null_type":
            raise Incorrect(f"The variable ${name[:64]} needs a value.")
        found[name] = value
    return found


def _coerced(name: str, type: ast.TypeNode, value: Any) -> Value | None:
    if type.kind == "non_null_type":
        return _coerced(name, type.type, value)  # type: ignore[attr-defined]
    if value is None:
        return None
    if type.kind == "list_type":
        items = value if isinstance(value, list) else [value]
        inner: ast.TypeNode = type.type  # type: ignore[attr-defined]
        return tuple(_scalar(_coerced(name, inner, item)) for item in items)
    return _of_type(name, type.name.value, value)  # type: ignore[attr-defined]


_KINDS: dict[str, tuple[type, ...]] = {
    "Boolean": (bool,),
    "Int": (int,),
    "Float": (int, Decimal),
    "String": (str,),
    "ID": (str, int),
}
"""What JSON may send for a type; any other type is one of FHIR's, of which any scalar will do."""


def _of_type(name: str, type: str, value: Any) -> Scalar:
    kinds = _KINDS.get(type, (bool, int, Decimal, str))
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise Incorrect(f"The value of ${name[:64]} is not of the type {type[:64]}.")
    return str(value) if type == "ID" else cast(Scalar, value)
