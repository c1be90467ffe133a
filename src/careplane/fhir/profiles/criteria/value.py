"""value and pattern: the element has the fixed value, the pattern or the codes of the slice."""

from __future__ import annotations

from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles.finding import Conforming
from careplane.fhir.profiles.rules import Rule


def has_value(found: list[Node], rules: list[Rule], walk: Conforming) -> bool | None:
    """Whether one of the elements found keeps all rules of the slice for it."""
    telling = [rule for rule in rules if not rule.is_idle]
    if not telling:
        return None
    if not found:
        return all(rule.max == 0 for rule in telling)
    return any(all(walk.keeps(node, rule) for rule in telling) for node in found)
