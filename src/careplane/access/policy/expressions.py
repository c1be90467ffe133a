"""Cedar expressions, in Cedar's JSON form, evaluated as far as they do not hang on the resource.

A boolean is a plan node throughout: true is `Everything`, false is `Nothing`, and what hangs on
the resource is the node by which a search finds out. Nothing here can fail for one caller and not
for another: `Policies` evaluates every part once while it loads, and what is Unfit is refused then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from msgspec import Struct

from careplane.access.policy.relations import Relations
from careplane.access.policy.terms import GROUPS, PURPOSES, Asked, Entity, Unfit
from careplane.access.scopes import Permission
from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.search.plan import (
    Everything,
    Keys,
    Node,
    Not,
    Nothing,
    Present,
    all_of,
    any_of,
)
from careplane.search.rows import Param

Expr: TypeAlias = dict[str, Any]
"""One key, the operator; its value are the operands."""

ACTIONS = {permission.name.lower(): permission for permission in Permission}

_ALL = Everything()
_NONE = Nothing()
_OPEN = Present(Param("?"))
"""Stands at load for what hangs on the asker; it never reaches a plan."""
_TYPES = frozenset(RESOURCE_TYPES)
_ASKER = frozenset({"principal", "action", "context"})


class _TypeName(str):
    """The value of `resource.type`: what it is compared with must be types."""

    __slots__ = ()


class _Purpose(str):
    """The value of `context.purpose`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class _Relation:
    name: str


_NO_MEMBERS = (Struct, _Relation, frozenset)
_RESOURCE = object()
_PRINCIPAL = object()
_CONTEXT = object()


def negated(node: Node) -> Node:
    """A Not without needless nesting."""
    match node:
        case Everything():
            return _NONE
        case Nothing():
            return _ALL
        case Not(part):
            return part
        case _:
            return Not(node)


class Expressions:
    """Evaluates expressions by one set of relations."""

    def __init__(self, relations: Relations) -> None:
        self._relations = relations
        self._forms: dict[str, Callable[[Any, Asked], Any]] = {
            "Value": self._literal, "Var": self._variable, "Set": self._members,
            ".": self._attribute,
            "&&": self._and, "||": self._or, "!": self._not, "if-then-else": self._if,
            "==": self._equal, "!=": self._unequal, "in": self._in, "is": self._is,
            "contains": self._contains, "containsAny": self._any, "containsAll": self._all,
        }  # fmt: skip

    def holds(self, expr: Expr, asked: Asked) -> Node:
        """The node of a boolean expression. Raises Unfit."""
        found = self._value(expr, asked)
        if not isinstance(found, Struct):
            raise Unfit("a condition must be true or false")
        return cast(Node, found)

    def _value(self, expr: Expr, asked: Asked) -> Any:
        ((form, operands),) = expr.items()
        evaluate = self._forms.get(form)
        if evaluate is None:
            raise Unfit(
                f"{form!r} cannot be made part of a search; docs/policies.md lists what can"
            )
        return evaluate(operands, asked)

    def _sides(self, operands: Any, asked: Asked) -> tuple[Any, Any]:
        return self._value(operands["left"], asked), self._value(operands["right"], asked)

    def _literal(self, value: Any, asked: Asked) -> Any:
        if isinstance(value, bool):
            return _ALL if value else _NONE
        if isinstance(value, dict):
            if "__entity" not in value:
                raise Unfit("a record or an extension value cannot be made part of a search")
            found = Entity(value["__entity"]["type"], value["__entity"]["id"])
            if found.type == "Action" and found.id not in ACTIONS:
                raise Unfit(f"there is no action {found.id!r}; there are {', '.join(ACTIONS)}")
            return found
        return value

    def _variable(self, name: str, asked: Asked) -> Any:
        if name == "action":
            return Entity("Action", asked.permission.name.lower())
        return {"resource": _RESOURCE, "principal": _PRINCIPAL, "context": _CONTEXT}[name]

    def _members(self, members: list[Expr], asked: Asked) -> Any:
        found = [self._value(member, asked) for member in members]
        if any(isinstance(one, _NO_MEMBERS) for one in found):
            raise Unfit("a set may hold entities and texts only")
        return frozenset(found)

    def _attribute(self, operands: Any, asked: Asked) -> Any:
        of, name = self._value(operands["left"], asked), operands["attr"]
        if of is _RESOURCE and name == "type":
            return _TypeName(asked.type)
        if of is _RESOURCE and name in self._relations.names:
            return _Relation(name)
        if of is _PRINCIPAL and name == "patients":
            return asked.asker.patients
        if of is _CONTEXT and name == "purpose":
            return _Purpose(asked.asker.purpose)
        known = ", ".join(("type", *sorted(self._relations.names)))
        raise Unfit(
            f"there is no attribute {name!r} here; there are resource.({known}), "
            "principal.patients and context.purpose"
        )

    def _and(self, operands: Any, asked: Asked) -> Node:
        left = self.holds(operands["left"], asked)
        return left if left == _NONE else all_of(left, self.holds(operands["right"], asked))

    def _or(self, operands: Any, asked: Asked) -> Node:
        left = self.holds(operands["left"], asked)
        return left if left == _ALL else any_of(left, self.holds(operands["right"], asked))

    def _not(self, operands: Any, asked: Asked) -> Node:
        return negated(self.holds(operands["arg"], asked))

    def _if(self, operands: Any, asked: Asked) -> Node:
        test = self.holds(operands["if"], asked)
        then = _NONE if test == _NONE else self.holds(operands["then"], asked)
        other = _NONE if test == _ALL else self.holds(operands["else"], asked)
        return any_of(all_of(test, then), all_of(negated(test), other))

    def _unequal(self, operands: Any, asked: Asked) -> Node:
        return negated(self._equal(operands, asked))

    def _equal(self, operands: Any, asked: Asked) -> Node:
        left, right = self._sides(operands, asked)
        return _settled(_same(left, right, asked), operands, asked)

    def _in(self, operands: Any, asked: Asked) -> Node:
        left, right = self._sides(operands, asked)
        groups = right if isinstance(right, frozenset) else frozenset({right})
        found = any_of(*(_below(left, group, asked) for group in groups))
        return _settled(found, operands, asked)

    def _is(self, operands: Any, asked: Asked) -> Node:
        of, type = self._value(operands["left"], asked), operands["entity_type"]
        if of is _RESOURCE:
            found = _truth(_known(type) == asked.type)
        elif of is _PRINCIPAL:
            found = _settled(_truth(asked.asker.entity.type == type), operands, asked)
        else:
            raise Unfit("only resource and principal can be tested with 'is'")
        if operands.get("in") is None or found == _NONE:
            return found
        return all_of(found, self._in({"left": operands["left"], "right": operands["in"]}, asked))

    def _contains(self, operands: Any, asked: Asked) -> Node:
        left, right = self._sides(operands, asked)
        return _settled(self._each(left, [right], asked)[0], operands, asked)

    def _any(self, operands: Any, asked: Asked) -> Node:
        left, right = self._sides(operands, asked)
        return _settled(any_of(*self._each(left, _set(right), asked)), operands, asked)

    def _all(self, operands: Any, asked: Asked) -> Node:
        left, right = self._sides(operands, asked)
        return _settled(all_of(*self._each(left, _set(right), asked)), operands, asked)

    def _each(self, left: Any, values: Iterable[Any], asked: Asked) -> list[Node]:
        """Of each value, whether the set on the left has it."""
        if isinstance(left, _Relation):
            given = (asked.asker.entity if value is _PRINCIPAL else value for value in values)
            return [self._relations.node(left.name, asked.type, value) for value in given]
        members = _set(left)
        return [any_of(*(_same(one, value, asked) for one in members)) for value in values]


def _settled(found: Node, operands: Any, asked: Asked) -> Node:
    return _OPEN if asked.probe and _mentions(operands, _ASKER) else found


def _mentions(expr: Any, names: frozenset[str]) -> bool:
    if isinstance(expr, dict):
        return expr.get("Var") in names or any(_mentions(part, names) for part in expr.values())
    return isinstance(expr, list) and any(_mentions(part, names) for part in expr)


def _truth(is_true: bool) -> Node:
    return _ALL if is_true else _NONE


def _set(value: Any) -> frozenset[Any]:
    if not isinstance(value, frozenset):
        raise Unfit('this needs a set that is known beforehand, such as ["Patient"]')
    return value


def _known(type: str) -> str:
    if type not in _TYPES:
        raise Unfit(f"{type!r} is not a FHIR R4 resource type")
    return type


def _keys(entity: Any, asked: Asked) -> Node:
    if not isinstance(entity, Entity):
        raise Unfit('resource is compared with entities, such as Patient::"17"')
    if _known(entity.type) != asked.type:
        return _NONE
    return Keys(frozenset({(entity.type, entity.id)}))


def _same(left: Any, right: Any, asked: Asked) -> Node:
    if left is _RESOURCE or right is _RESOURCE:
        return _keys(right if left is _RESOURCE else left, asked)
    left, right = (asked.asker.entity if one is _PRINCIPAL else one for one in (left, right))
    for one, other in ((left, right), (right, left)):
        if isinstance(one, _TypeName) and isinstance(other, str):
            _known(other)
        if isinstance(one, _Purpose) and other not in PURPOSES:
            raise Unfit(f"{other!r} is no purpose of use; there are {', '.join(sorted(PURPOSES))}")
        if _kind(one) != _kind(other):
            raise Unfit(f"{_kind(one)} is never the same as {_kind(other)}")
    return _truth(left == right)


def _kind(value: Any) -> str:
    for kind, name in ((str, "a text"), (int, "a number"), (Entity, "an entity")):
        if isinstance(value, kind):
            return name
    raise Unfit("only texts, numbers and entities can be compared")


def _below(left: Any, group: Any, asked: Asked) -> Node:
    if not isinstance(group, Entity):
        return _same(left, group, asked)
    if left is _RESOURCE and group.type == "Types":
        if group.id not in GROUPS:
            raise Unfit(f"there is no Types::{group.id!r}; there are {', '.join(sorted(GROUPS))}")
        return _truth(asked.type in GROUPS[group.id])
    if left is _PRINCIPAL and group.type == "Role":
        return _truth(group.id in asked.asker.roles)
    return _same(left, group, asked)
