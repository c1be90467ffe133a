"""What forms add to FHIRPath (SDC, Using Expressions, FHIRPath supplements): totals of collections,
the answers below an item, and what an answer counts for."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from careplane.fhir.fhirpath.calling import Arguments
from careplane.fhir.fhirpath.errors import EvaluationError
from careplane.fhir.fhirpath.items import Collection, Item, kind, system
from careplane.fhir.fhirpath.node import Node
from careplane.fhir.fhirpath.scope import Scope

_CORE: Final = "http://hl7.org/fhir/StructureDefinition/"
_WEIGHTS: Final = (f"{_CORE}itemWeight", f"{_CORE}ordinalValue")


def sum_(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """0 of nothing, as an aggregate that begins with 0."""
    found = _numbers(scope, focus, "sum()")
    return [_whole(sum(found, Decimal(0)), found)]


def min_(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    found = _numbers(scope, focus, "min()")
    return [_whole(min(found), found)] if found else []


def max_(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    found = _numbers(scope, focus, "max()")
    return [_whole(max(found), found)] if found else []


def avg(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    found = _numbers(scope, focus, "avg()")
    return [Decimal(sum(found)) / len(found)] if found else []


def _numbers(scope: Scope, focus: Collection, what: str) -> list[int | Decimal]:
    scope.run.spend(1 + len(focus))
    found: list[int | Decimal] = []
    for item in focus:
        value = system(item)
        if type(value) is not int and type(value) is not Decimal:
            raise EvaluationError(f"{what} needs numbers, and this is {kind(item)}.")
        found.append(value)
    return found


def _whole(value: int | Decimal, of: list[int | Decimal]) -> Item:
    """An integer, where all were."""
    return int(value) if all(type(one) is int for one in of) else Decimal(value)


def answers(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """The values of all answers below."""
    found: Collection = []
    for item in focus:
        if type(item) is Node:
            found += _answers(scope, item)
    return found


def _answers(scope: Scope, node: Node) -> Iterator[Item]:
    scope.run.spend(1)
    for name in ("item", "answer"):
        for below in node.child(name):
            if name == "answer":
                yield from below.child("value")
            yield from _answers(scope, below)


def weight(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """What codings count for: by their own extension, else by that of the option which the
    questionnaire offers."""
    scope.run.spend(1 + len(focus))
    found: Collection = []
    for item in focus:
        if type(item) is Node and type(item.value) is dict:
            value = _weight(item.value)
            found += [value] if value is not None else _offered(scope, item)
    return found


def _weight(tree: dict[str, Any]) -> Decimal | None:
    for one in tree.get("extension", ()):
        if one.get("url") in _WEIGHTS and "valueDecimal" in one:
            return Decimal(one["valueDecimal"])
    return None


def _offered(scope: Scope, coding: Node) -> Iterator[Item]:
    link = next((n.value["linkId"] for n in coding.ancestors() if _has_link(n)), None)
    for root in scope.run.environment.variables.get("questionnaire", ()):
        for option in _options(scope, root.value, link) if type(root) is Node else ():
            value = option.get("valueCoding", {})
            same = [value.get(k) == coding.value.get(k) for k in ("system", "code")]
            found = _weight(option) if _weight(value) is None else _weight(value)
            if all(same) and found is not None:
                yield found
                return


def _has_link(node: Node) -> bool:
    return type(node.value) is dict and "linkId" in node.value


def _options(scope: Scope, owner: dict[str, Any], link: object) -> Iterator[dict[str, Any]]:
    for item in owner.get("item", ()):
        scope.run.spend(1)
        if item.get("linkId") == link:
            yield from item.get("answerOption", ())
        yield from _options(scope, item, link)
