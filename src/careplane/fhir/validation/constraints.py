"""Broken invariants of a tree, each with its place: the slow path, by the interpreter.

Every element is asked the invariants of its type and those that its own definition adds; a broken
one is told with its key and the sentence of the standard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

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


def broken_invariants(tree: Tree, rules: Rules = no_rules) -> Iterator[Issue]:
    """All broken invariants of a resource whose type R4 has, and what further rules say of its
    elements."""
    node = root_node(tree)
    yield from _broken(node, node.type, rules)


def _broken(node: Node, where: str, rules: Rules) -> Iterator[Issue]:
    for rule in of_type(type_definition(node.type)):
        yield from _ask(rule, node, where)
    for check in rules(node):
        yield from check(node, where)
    for element in type_definition(node.type).elements.values():
        own = of_element(element)
        for child in node.child(element.name):
            place = f"{where}.{_json_name(element, child)}"
            if child.index is not None:
                place = f"{place}[{child.index}]"
            for rule in own:
                yield from _ask(rule, child, place)
            if element.types != ("Resource",) or is_resource(child.type):
                yield from _broken(child, place, rules)


def _json_name(element: Element, child: Node) -> str:
    if not element.choice:
        return element.name
    return element.name + child.type[0].upper() + child.type[1:]


def _ask(rule: Invariant, node: Node, where: str) -> Iterator[Issue]:
    try:
        kept = _NATIVE[rule.key](node) if rule.key in _NATIVE else _kept(rule, node)
    except EvaluationError:
        # The value is not what the expression is written for: told by the structural check, or a
        # question without an answer, such as the order of several values.
        return
    except BudgetSpent:
        yield Issue("error", "too-costly", f"{rule.key}: Too large to be checked", where)
        return
    if not kept:
        yield Issue(rule.severity, "invariant", f"{rule.key}: {rule.human}", where)


def _kept(rule: Invariant, node: Node) -> bool:
    return evaluate_boolean(rule.expression, node)


def _resolves_within(reference: Node) -> bool:
    """ref-1: a reference that starts with # names a contained resource. By hand, as the most
    frequent of all."""
    text = reference.value.get("reference")
    if not isinstance(text, str) or not text.startswith(_ITSELF) or text == _ITSELF:
        return True
    return text[1:] in _contained_ids(reference.root().value)


def _contained_ids(resource: Tree) -> Iterator[Any]:
    contained = resource.get("contained")
    for one in contained if isinstance(contained, list) else ():
        if isinstance(one, dict):
            yield one.get("id")


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


_NATIVE = {"ref-1": _resolves_within, "dom-3": _is_referred_to}
