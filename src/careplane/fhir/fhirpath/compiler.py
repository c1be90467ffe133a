"""From AST to a closure: what can be decided without data is decided once.

Names of functions, numbers of arguments and names of types are checked here, so that a wrong
expression fails whatever it is run on. Closures hold no state and may be shared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from careplane.fhir.definitions import is_subtype
from careplane.fhir.fhirpath import ast, known
from careplane.fhir.fhirpath.catalogue import FUNCTIONS, TYPE_FUNCTIONS
from careplane.fhir.fhirpath.constants import constant, variable
from careplane.fhir.fhirpath.errors import NotMeaningful
from careplane.fhir.fhirpath.functions import filtering, subsetting
from careplane.fhir.fhirpath.items import Collection, Item
from careplane.fhir.fhirpath.node import Node
from careplane.fhir.fhirpath.operators import (
    arithmetic,
    comparison,
    equality,
    logic,
    membership,
)
from careplane.fhir.fhirpath.operators import types as type_operators
from careplane.fhir.fhirpath.scope import Evaluator, Scope
from careplane.fhir.fhirpath.values.quantity import Quantity
from careplane.fhir.fhirpath.values.temporal import parse_date, parse_datetime, parse_time
from careplane.fhir.fhirpath.values.types import TypeInfo

LazyOperator = Callable[[Scope, Evaluator, Evaluator], bool | None]
EagerOperator = Callable[[Scope, Collection, Collection], Item | None]


@lru_cache(maxsize=4096)
def compiled(expression: ast.Expression) -> Evaluator:
    """A closure that evaluates the expression; raises NotMeaningful for one that never can be."""
    return _compile(expression)


def _compile(node: ast.Expression) -> Evaluator:
    evaluate = _COMPILERS[type(node)](node)
    asked = known.choice(node)
    if asked is not None:
        return known.looked_up(asked, _compile(asked.path), evaluate)
    is_kept = isinstance(node, ast.Member | ast.Call) and known.is_path(node)
    return known.kept(node, evaluate) if is_kept else evaluate


def _constant(item: Item) -> Evaluator:
    collection = [item]
    return lambda scope: collection


def _empty(node: ast.Empty) -> Evaluator:
    return lambda scope: []


def _value(node: ast.Boolean | ast.Integer | ast.Number | ast.String) -> Evaluator:
    return _constant(Decimal(node.value) if isinstance(node, ast.Number) else node.value)


def _integer(node: ast.Integer) -> Evaluator:
    if node.value >= 2**31:
        raise NotMeaningful("An Integer has 32 bits; write a Decimal (with .0).")
    return _constant(node.value)


def _temporal(node: ast.Date | ast.DateTime | ast.Time) -> Evaluator:
    parse = {ast.Date: parse_date, ast.DateTime: parse_datetime, ast.Time: parse_time}[type(node)]
    value = parse(node.text)
    if value is None:
        raise NotMeaningful(f"There is no such date or time as {node.text}.")
    return _constant(value)


def _quantity(node: ast.Quantity) -> Evaluator:
    return _constant(Quantity(node.value, node.unit, node.calendar))


def _this(node: ast.This) -> Evaluator:
    return lambda scope: scope.this


def _index(node: ast.Index) -> Evaluator:
    return lambda scope: [] if scope.index is None else [scope.index]


def _total(node: ast.Total) -> Evaluator:
    return lambda scope: scope.total or []


def _variable(node: ast.Variable) -> Evaluator:
    fixed = constant(node.name)
    if fixed is not None:
        return _constant(fixed)
    return lambda scope: variable(scope, node.name)


def _member(node: ast.Member) -> Evaluator:
    name = node.name
    if node.base is None:
        return _type_at_start(name) if name[:1].isupper() else _member_of_this(name)
    base = _compile(node.base)

    def run(scope: Scope) -> Collection:
        found: Collection = []
        for item in base(scope):
            found += item.child(name) if type(item) is Node else _part(item, name)
        scope.run.spend(1 + len(found))
        return found

    return run


def _member_of_this(name: str) -> Evaluator:
    def run(scope: Scope) -> Collection:
        found: Collection = []
        for item in scope.this:
            found += item.child(name) if type(item) is Node else _part(item, name)
        scope.run.spend(1 + len(found))
        return found

    return run


def _type_at_start(name: str) -> Evaluator:
    """`Patient.name`: the items that we stand on, as far as they are of the type."""

    def run(scope: Scope) -> Collection:
        return [one for one in scope.this if type(one) is Node and is_subtype(one.type, name)]

    return run


def _part(item: Item, name: str) -> Collection:
    """The elements of System types: namespace and name of a type, value and unit of a quantity."""
    match item, name:
        case TypeInfo(), ("namespace" | "name"):
            return [getattr(item, name)]
        case Quantity(), "value":
            return [item.value]
        case Quantity(), "unit":
            return [item.unit]
        case _:
            return []


def _indexer(node: ast.Indexer) -> Evaluator:
    base, index = _compile(node.base), (_compile(node.index),)
    return lambda scope: subsetting.at(scope, base(scope), index)


def _call(node: ast.Call) -> Evaluator:
    base = _this(ast.This()) if node.base is None else _compile(node.base)
    if node.name in TYPE_FUNCTIONS:
        return _type_call(node, base)
    if node.name == "sort":
        keys = tuple(map(_sort_key, node.arguments))
        return lambda scope: filtering.sort(scope, base(scope), keys)
    function = FUNCTIONS.get(node.name)
    if function is None:
        raise NotMeaningful(f"There is no function {node.name}().")
    if not function.least <= len(node.arguments) <= function.most:
        raise NotMeaningful(f"{node.name}() does not take {len(node.arguments)} arguments.")
    run, arguments = function.run, tuple(map(_isolated, node.arguments))

    def call(scope: Scope) -> Collection:
        focus = base(scope)
        scope.run.spend(1 + len(focus))
        return run(scope, focus, arguments)

    return call


def _type_call(node: ast.Call, base: Evaluator) -> Evaluator:
    wanted = ast.type_name(node.arguments[0]) if len(node.arguments) == 1 else None
    if wanted is None:
        raise NotMeaningful(f"{node.name}() takes the name of a type.")
    type_operators.check_type(wanted)
    run = TYPE_FUNCTIONS[node.name]
    return lambda scope: run(base(scope), wanted)


@dataclass(frozen=True, slots=True)
class _SortKey:
    evaluate: Evaluator
    descending: bool


def _sort_key(node: ast.Expression) -> _SortKey:
    """A minus before a key means descending, for strings too."""
    if isinstance(node, ast.Unary) and node.operator == "-":
        return _SortKey(_isolated(node.operand), True)
    return _SortKey(_isolated(node), False)


def _isolated(node: ast.Expression) -> Evaluator:
    """An expression whose `defineVariable` is not seen outside of it."""
    evaluate = _compile(node)
    if not _defines(node):
        return evaluate

    def run(scope: Scope) -> Collection:
        return evaluate(scope.nested(scope.this))

    return run


def _defines(node: ast.Expression) -> bool:
    if isinstance(node, ast.Call) and node.name == "defineVariable":
        return True
    return any(map(_defines, ast.children(node)))


def _type_operation(node: ast.TypeOperation) -> Evaluator:
    operand, wanted = _compile(node.operand), node.type
    type_operators.check_type(wanted)
    run = type_operators.tested if node.operator == "is" else type_operators.filtered
    return lambda scope: run(operand(scope), wanted)


def _unary(node: ast.Unary) -> Evaluator:
    if isinstance(node.operand, ast.Integer) and node.operator == "-":
        return _constant(-node.operand.value)
    operand, operator = _compile(node.operand), node.operator
    return lambda scope: _optional(arithmetic.negated(operator, operand(scope)))


def _optional(item: Item | None) -> Collection:
    return [] if item is None else [item]


def _binary(node: ast.Binary) -> Evaluator:
    left, right = _isolated(node.left), _isolated(node.right)
    if node.operator == "|":
        return lambda scope: membership.union(scope.run, left(scope), right(scope))
    if node.operator in _LAZY:
        lazy = _LAZY[node.operator]
        return lambda scope: _optional(lazy(scope, left, right))
    eager = _EAGER[node.operator]

    def run(scope: Scope) -> Collection:
        one, other = left(scope), right(scope)
        scope.run.spend(1 + len(one) + len(other))
        found = eager(scope, one, other)
        return [] if found is None else [found]

    return run


_LAZY: Final[dict[str, LazyOperator]] = {
    "and": logic.both,
    "or": logic.either,
    "xor": logic.one_of,
    "implies": logic.implies,
}


def _arithmetic(operator: str) -> EagerOperator:
    return lambda scope, left, right: arithmetic.combined(scope.run, operator, left, right)


def _comparison(operator: str) -> EagerOperator:
    return lambda scope, left, right: comparison.compared(operator, left, right)


def _not_equal(scope: Scope, left: Collection, right: Collection) -> bool | None:
    found = equality.equal(left, right)
    return None if found is None else not found


_EAGER: Final[dict[str, EagerOperator]] = {
    "=": lambda scope, left, right: equality.equal(left, right),
    "!=": _not_equal,
    "~": lambda scope, left, right: equality.equivalent(scope.run, left, right),
    "!~": lambda scope, left, right: not equality.equivalent(scope.run, left, right),
    "in": lambda scope, left, right: membership.member(scope.run, left, right),
    "contains": lambda scope, left, right: membership.member(scope.run, right, left),
    "&": lambda scope, left, right: arithmetic.concatenated(scope.run, left, right),
    **{operator: _arithmetic(operator) for operator in ("+", "-", "*", "/", "div", "mod")},
    **{operator: _comparison(operator) for operator in ("<", "<=", ">", ">=")},
}

_COMPILERS: Final[dict[type, Callable[..., Evaluator]]] = {
    ast.Empty: _empty,
    ast.Boolean: _value,
    ast.Integer: _integer,
    ast.Number: _value,
    ast.String: _value,
    ast.Date: _temporal,
    ast.DateTime: _temporal,
    ast.Time: _temporal,
    ast.Quantity: _quantity,
    ast.This: _this,
    ast.Index: _index,
    ast.Total: _total,
    ast.Variable: _variable,
    ast.Member: _member,
    ast.Indexer: _indexer,
    ast.Call: _call,
    ast.Unary: _unary,
    ast.Binary: _binary,
    ast.TypeOperation: _type_operation,
}
