"""Who belongs to an organisation or a care team, since provisions name these."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

GROUPS = ("CareTeam", "PractitionerRole")
WITH_MEMBERS = ("CareTeam/", "PractitionerRole/", "Organization/")


def memberships(groups: Mapping[str, dict[str, Any]]) -> dict[str, frozenset[str]]:
    """Group -> those who belong to it; of a role, the organisation as well."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for key, tree in groups.items():
        if key.startswith("CareTeam/") and tree.get("status") in ("active", None):
            found[key].update(_reference(one, "member") for one in tree.get("participant") or ())
        elif key.startswith("PractitionerRole/") and tree.get("active") is not False:
            who = _reference(tree, "practitioner")
            found[key].add(who)
            found[_reference(tree, "organization")].add(who)
    _through_groups(found)
    return {key: frozenset(some - {""}) for key, some in found.items()}


def belonging(name: str, members: Mapping[str, frozenset[str]]) -> frozenset[str] | None:
    """Callers that an actor stands for; None where that is not known."""
    if name.startswith(WITH_MEMBERS):
        return members.get(name, frozenset()) | {name}
    return None if name.startswith("Group/") else frozenset({name})


def _through_groups(found: defaultdict[str, set[str]]) -> None:
    """A team may have roles and organisations as members: theirs belong to it as well."""
    for key in [key for key in found if key.startswith("CareTeam/")]:
        for member in list(found[key]):
            found[key] |= found.get(member, set())


def _reference(tree: Mapping[str, Any], name: str) -> str:
    return str((tree.get(name) or {}).get("reference", ""))
