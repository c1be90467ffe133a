"""exists: the element is there, or is not."""

from __future__ import annotations

from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles.finding import Conforming
from careplane.fhir.profiles.rules import Rule


def has_existence(found: list[Node], rules: list[Rule], walk: Conforming) -> bool | None:
    """Whether the elements are there where the slice needs them, and not where it has none."""
    if any(rule.max == 0 for rule in rules):
        return not found
    if any(rule.min for rule in rules):
        return bool(found)
    return None
