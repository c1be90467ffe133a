"""Whose work is mine, too: what a practitioner belongs to that can own a Task."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from careplane.access.caller import Caller
from careplane.care import asking
from careplane.fhir.tree import Tree
from careplane.records.door import Door

MOST: Final = 40


async def owners(door: Door, caller: Caller) -> list[str]:
    """The caller, then their roles, the organizations and services of these, and care teams."""
    me = caller.id
    if not me.startswith("Practitioner/"):
        return []
    roles, teams = await asking.several(
        door,
        caller,
        ("PractitionerRole", [("practitioner", me), ("_count", "20")]),
        ("CareTeam", [("participant", me), ("status", "active"), ("_count", str(MOST))]),
    )
    return [me, *of(roles, teams)][: MOST + 1]


def of(roles: Iterable[Tree], teams: Iterable[Tree]) -> list[str]:
    """What else of a practitioner can own a Task."""
    found: dict[str, None] = {}
    for role in roles:
        found[f"PractitionerRole/{role['id']}"] = None
        for reference in (role.get("organization", {}), *role.get("healthcareService", ())):
            place = str(reference.get("reference", ""))
            if place.startswith(("Organization/", "HealthcareService/")):
                found[place] = None
    for team in teams:
        found[f"CareTeam/{team['id']}"] = None
    return list(found)
