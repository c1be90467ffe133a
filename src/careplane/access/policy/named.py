"""The roles that policies name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from careplane.access.policy.source import Rule


def roles_of(rules: Iterable[Rule]) -> frozenset[str]:
    """Every `Role::"..."` in them, wherever it stands."""
    return frozenset(role for rule in rules for role in _roles(rule.conditions))


def _roles(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if part.get("type") == "Role" and isinstance(part.get("id"), str):
            yield part["id"]
        for inner in part.values():
            yield from _roles(inner)
    elif isinstance(part, list | tuple):
        for inner in part:
            yield from _roles(inner)
