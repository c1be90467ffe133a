"""Who cares for a patient: members come and go in a CareTeam (R4 9.7)."""

from __future__ import annotations

from typing import Final

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Incorrect, Issue

_LONGEST: Final = 200


def new(patient: str) -> Tree:
    """A team without anybody in it."""
    return {
        "resourceType": "CareTeam",
        "status": "active",
        "name": "Care team",
        "subject": {"reference": f"Patient/{patient}"},
    }


def added(team: Tree, member: Tree, role: str, today: str) -> Tree:
    """With one more member. Raises Conflict for who is in it with this role already."""
    if len(role) > _LONGEST:
        raise Incorrect("", issues=(Issue("error", "too-long", "Write 200 characters at most.",
                                          "role"),))  # fmt: skip
    for one in present(team):
        if one.get("member", {}).get("reference") == member["reference"]:
            raise Conflict("This person is in the team already.")
    part: Tree = {"member": member, "period": {"start": today}}
    if role:
        part["role"] = [{"text": role}]
    return {**team, "participant": [*team.get("participant", ()), part]}


def removed(team: Tree, member: str, today: str) -> Tree:
    """With somebody gone: their part has an end, so that it stays known who was in it."""
    parts = [{**p, "period": {**p.get("period", {}), "end": today}}
             if p.get("member", {}).get("reference") == member and not _ended(p) else p
             for p in team.get("participant", ())]  # fmt: skip
    if parts == list(team.get("participant", ())):
        raise Conflict("This person is not in the team any more.")
    return {**team, "participant": parts}


def present(team: Tree) -> list[Tree]:
    """Those who are in it now."""
    return [part for part in team.get("participant", ()) if not _ended(part)]


def _ended(part: Tree) -> bool:
    return "end" in part.get("period", {})
