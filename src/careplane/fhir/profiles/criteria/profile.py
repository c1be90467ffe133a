"""profile: the element conforms to a profile of the slice."""

from __future__ import annotations

from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles.finding import Conforming
from careplane.fhir.profiles.rules import Rule


def has_profile(found: list[Node], rules: list[Rule], walk: Conforming) -> bool | None:
    """Whether one of the elements found conforms to one of the profiles that the slice names."""
    profiles = {p for rule in rules for t in rule.types for p in t.profiles}
    if not profiles:
        return None
    return any(walk.conforms(node, profile) for node in found for profile in profiles)
