"""Rules about maps: what a StructureMap refers to is in it (FHIR R4, StructureMap)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from careplane.fhir.fhirpath.node import Node
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Issue


def groups(node: Node, where: str) -> Iterator[Issue]:
    """Groups have names of their own; those that are extended or called are here, unless the map
    imports others; rules read and write variables that there are."""
    found = _objects(node.value.get("group"))
    names = Counter(str(group.get("name")) for group in found)
    known = None if node.value.get("import") else frozenset(names)
    for index, group in enumerate(found):
        place = f"{where}.group[{index}]"
        name = str(group.get("name"))
        if names[name] > 1:
            yield Issue("error", "duplicate", f"Two groups are called {name[:64]}", place)
        extended = group.get("extends")
        if known is not None and isinstance(extended, str) and extended not in known:
            text = "It extends a group that is not in this map, which imports none"
            yield Issue("error", "not-found", text, place)
        inputs = {str(one.get("name")) for one in _objects(group.get("input"))}
        yield from _rules(group, frozenset(inputs), known, place)


def _rules(
    owner: Tree, variables: frozenset[str], known: frozenset[str] | None, where: str
) -> Iterator[Issue]:
    for index, rule in enumerate(_objects(owner.get("rule"))):
        place = f"{where}.rule[{index}]"
        mine = set(variables)
        for kind in ("source", "target"):
            for number, part in enumerate(_objects(rule.get(kind))):
                context = part.get("context")
                if isinstance(context, str) and context not in mine:
                    text = "The context is no input, and no variable of this rule or those around"
                    yield Issue("warning", "not-found", text, f"{place}.{kind}[{number}]")
                if isinstance(part.get("variable"), str):
                    mine.add(part["variable"])
        yield from _dependents(rule, mine, known, place)
        yield from _rules(rule, frozenset(mine), known, place)


def _dependents(
    rule: Tree, variables: set[str], known: frozenset[str] | None, where: str
) -> Iterator[Issue]:
    for number, one in enumerate(_objects(rule.get("dependent"))):
        place = f"{where}.dependent[{number}]"
        if known is not None and str(one.get("name")) not in known:
            text = "It calls a group that is not in this map, which imports none"
            yield Issue("error", "not-found", text, place)
        given = one.get("variable")
        for name in given if isinstance(given, list) else ():
            if isinstance(name, str) and name[:1].isalpha() and name not in variables:
                text = "It hands on a variable that there is not"
                yield Issue("error", "not-found", text, place)


def _objects(value: object) -> list[Tree]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
