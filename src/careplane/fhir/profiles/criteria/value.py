"""value and pattern: the element has the fixed value, the pattern or the codes of the slice."""

from __future__ import annotations

from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles.finding import Conforming
from careplane.fhir.profiles.rules import Rule


def has_value(found: list[Node], rules: list[Rule], walk: Conforming) -> bool | None:
    """Whether each rule that the slice has for the elements found is kept by one of them."""
    telling = [rule for rule in rules if not rule.is_idle]
    if not telling:
        return None
    if not found:
        return all(rule.max == 0 for rule in telling)
    return all(any(walk.keeps(node, rule) for node in found) for rule in telling)
