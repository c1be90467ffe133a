"""type: the element is of a type of the slice."""

from __future__ import annotations

from careplane.fhir.definitions import is_subtype
from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles.finding import Conforming
from careplane.fhir.profiles.rules import Rule


def has_type(found: list[Node], rules: list[Rule], walk: Conforming) -> bool | None:
    """Whether one of the elements found is of one of the types that the slice allows."""
    codes = {t.code.rpartition("/")[2] for rule in rules for t in rule.types}
    if not codes:
        return None
    return any(is_subtype(node.type, code) for node in found for code in codes)
