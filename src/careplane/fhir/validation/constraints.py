"""Broken invariants of a tree, each with its place: the slow path, by the interpreter.

Every element is asked the invariants of its type and those that its own definition adds; a broken
one is told with its key and the sentence of the standard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from careplane.fhir.definitions import Element, Invariant, is_resource, type_definition
from careplane.fhir.fhirpath import Node, evaluate_boolean, root_node
from careplane.fhir.fhirpath.errors import BudgetSpent, EvaluationError
from careplane.fhir.tree import Tree
from careplane.fhir.validation.invariants import of_element, of_type
from careplane.kernel.errors import Issue

Rules = Callable[[Node], Iterable[Callable[[Node, str], Iterator[Issue]]]]
"""For an element, the further rules that are asked about it and its place."""

_REFERRING = frozenset({"canonical", "uri", "url"})
_ITSELF = "#"
# An image or a link of a narrative may point to a contained resource too (FHIR R4, 2.4.0.3).
_ANCHOR = re.compile(r"""(?:src|href)\s*=\s*["'](#[^"']+)["']""")


def no_rules(_: Node) -> tuple[()]:
    """None."""
    return ()


def broken_invariants(
    tree: Tree, rules: Rules = no_rules, *, warnings: bool = True
) -> Iterator[Issue]:
    """All broken invariants of a resource whose type R4 has, those that only warn if they are
    wanted, and what further rules say of its elements."""
    node = root_node(tree)
    yield from _Questions(rules, warnings).element(node, node.type)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is asked of an element of one type, and of the elements in it by their JSON names."""

    invariants: tuple[Invariant, ...]
    members: dict[str, Element]
    added: dict[str, tuple[Invariant, ...]]


@cache
def _plan(type_name: str) -> _Plan:
    definition = type_definition(type_name)
    members = {json: element for json, (element, _) in definition.json_names.items()}
    members.update({f"_{json}": element for json, element in members.items()})
    added = {element.name: tuple(of_element(element)) for element in definition.elements.values()}
    return _Plan(tuple(of_type(definition)), members, added)


class _Questions:
    """One walk over a resource. Keeps what would be looked up again and again."""

    def __init__(self, rules: Rules, warnings: bool) -> None:
        self.rules = rules
        self.warnings = warnings
        self.contained: dict[int, frozenset[str]] = {}

    def element(self, node: Node, where: str) -> Iterator[Issue]:
        """All issues of an element and of those in it."""
        plan = _plan(node.type)
        for rule in plan.invariants:
            yield from self._ask(rule, node, where)
        for check in self.rules(node):
            yield from check(node, where)
        source = node.value if isinstance(node.value, dict) else node.extra
        present = {plan.members[name].name: name for name in source or () if name in plan.members}
        for name, json in present.items():
            yield from self._members(plan.members[json], plan.added[name], node, where)

    def _members(
        self, element: Element, added: tuple[Invariant, ...], node: Node, where: str
    ) -> Iterator[Issue]:
        for child in node.child(element.name):
            place = f"{where}.{_json_name(element, child)}"
            if child.index is not None:
                place = f"{place}[{child.index}]"
            for rule in added:
                yield from self._ask(rule, child, place)
            if element.types != ("Resource",) or is_resource(child.type):
                yield from self.element(child, place)

    def _ask(self, rule: Invariant, node: Node, where: str) -> Iterator[Issue]:
        try:
            kept = self._kept(rule, node)
        except EvaluationError:
            # The value is not what the expression is written for: told by the structural check, or
            # a question without an answer, such as the order of several values.
            return
        except BudgetSpent:
            yield Issue("error", "too-costly", f"{rule.key}: Too large to be checked", where)
            return
        if not kept:
            yield Issue(rule.severity, "invariant", f"{rule.key}: {rule.human}", where)

    def _kept(self, rule: Invariant, node: Node) -> bool:
        if rule.severity == "warning" and not self.warnings:
            return True
        if rule.key == "ref-1":
            return self._resolves_within(node)
        if rule.key == "dom-3":
            return _is_referred_to(node)
        return evaluate_boolean(rule.expression, node)

    def _resolves_within(self, reference: Node) -> bool:
        """ref-1: a reference that starts with # names a contained resource. By hand, as the most
        frequent of all."""
        text = reference.value.get("reference")
        if not isinstance(text, str) or not text.startswith(_ITSELF) or text == _ITSELF:
            return True
        root = reference.root().value
        if id(root) not in self.contained:
            self.contained[id(root)] = frozenset(_contained_ids(root))
        return text[1:] in self.contained[id(root)]


def _json_name(element: Element, child: Node) -> str:
    if not element.choice:
        return element.name
    return element.name + child.type[0].upper() + child.type[1:]


def _contained_ids(resource: Tree) -> Iterator[str]:
    contained = resource.get("contained")
    for one in contained if isinstance(contained, list) else ():
        if isinstance(one, dict) and isinstance(one.get("id"), str):
            yield one["id"]


def _is_referred_to(resource: Node) -> bool:
    """dom-3: a contained resource is referred to from somewhere in the resource that contains it,
    or refers to that. By hand: the expression takes the square of the time."""
    contained = resource.child("contained")
    if not contained:
        return True
    found = set(_references(resource))
    return all(
        not isinstance(one.value.get("id"), str)
        or _ITSELF + one.value["id"] in found
        or _ITSELF in _references(one)
        for one in contained
    )


def _references(node: Node) -> Iterator[str]:
    waiting = [node]
    while waiting:
        for child in waiting.pop().children():
            is_text = isinstance(child.value, str)
            if child.type == "xhtml" and is_text:
                yield from _ANCHOR.findall(child.value)
            if is_text and (child.name == "reference" or child.type in _REFERRING):
                yield child.value
            if not is_text or child.extra:
                waiting.append(child)
