"""value and pattern: the element has the fixed value, the pattern or the codes of the slice.

What else a slice asks of the element does not tell it from others: it is told as an error of the
item, once that is in the slice.
"""

from __future__ import annotations

from careplane.fhir.definitions import is_subtype
from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles.coded import member
from careplane.fhir.profiles.finding import Conforming
from careplane.fhir.profiles.fixed import equals, matches
from careplane.fhir.profiles.rules import Rule

_ANY = frozenset({"BackboneElement", "Element"})


def has_value(found: list[Node], rules: list[Rule], walk: Conforming) -> bool | None:
    """Whether each rule that the slice has for the elements found is met by one of them."""
    telling = [rule for rule in rules if not rule.is_idle]
    if not telling:
        return None
    if not found:
        return all(rule.max == 0 for rule in telling)
    return all(any(_has(node, rule, walk) for node in found) for rule in telling)


def _has(node: Node, rule: Rule, walk: Conforming) -> bool:
    """By its fixed value or pattern, else by its codes, else by what stands in it."""
    if rule.types and not any(t.code in _ANY or is_subtype(node.type, t.code) for t in rule.types):
        return False
    if rule.fixed is not None:
        return equals(node.value, rule.fixed)
    if rule.pattern is not None:
        return matches(node.value, rule.pattern)
    if rule.binding is not None and rule.binding.strength == "required":
        return member(node, rule.binding.value_set, walk.codes) is not False
    return all(_has_child(node.child(child.name), child, walk) for child in rule.children.values())


def _has_child(items: list[Node], rule: Rule, walk: Conforming) -> bool:
    if len(items) < rule.min or (rule.max is not None and len(items) > rule.max):
        return False
    needed = [one for one in rule.slices if one.min]
    return all(_has(item, rule, walk) for item in items) and all(
        any(_has(item, one, walk) for item in items) for one in needed
    )
