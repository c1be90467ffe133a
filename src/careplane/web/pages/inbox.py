"""What asks the caller for something: Tasks of theirs and of their pools, and unread messages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from careplane.care import tasks
from careplane.fhir.tree import Tree
from careplane.web.chart.inbox import Asked, asked, by_urgency
from careplane.web.reader import NOT_ALLOWED
from careplane.web.visit import Visit

_MOST = 50
_POOLS = 40


@dataclass(frozen=True, slots=True)
class Inbox:
    """Rows, and how many messages wait; `more` where more Tasks wait than are shown."""

    rows: list[Asked]
    messages: int = 0
    more: bool = False
    hidden: bool = False


async def inbox(visit: Visit) -> Inbox:
    """Three searches, then one: whose pools the caller is in says what to look for."""
    assert visit.caller is not None
    me = visit.caller.id
    if not visit.offers("Task") or not me.startswith("Practitioner/"):
        return Inbox([], hidden=True)
    roles, teams, unread = await visit.reader.several(
        ("PractitionerRole", [("practitioner", me), ("_count", "20")]),
        ("CareTeam", [("participant", me), ("status", "active"), ("_count", str(_POOLS))]),
        ("Communication", [("recipient", me), ("received:missing", "true"),
                           ("status", "completed,in-progress"), ("_count", "1"),
                           ("_total", "accurate")]),
    )  # fmt: skip
    owners = [me, *_pools(roles.trees, teams.trees)][: _POOLS + 1]
    wanted = [("status", ",".join(tasks.OPEN)), ("_sort", "-authored-on"), ("_count", str(_MOST))]
    mine, anybodys = await visit.reader.several(
        ("Task", [("owner", ",".join(owners)), *wanted]),
        ("Task", [("owner:missing", "true"), ("code", _OPEN_TO_ALL), *wanted]),
    )
    if mine is NOT_ALLOWED:
        return Inbox([], hidden=True)
    others = anybodys.trees if visit.may("c", "MedicationRequest") else []
    rows = [asked(tree, me) for tree in (*mine.trees, *others)]
    messages = unread.total if unread.total is not None else len(unread.records)
    return Inbox(by_urgency(rows), messages, bool(mine.next))


_OPEN_TO_ALL = f"{tasks.CODES}|refill"
"""Requests that name nobody are for all who prescribe."""


def _pools(roles: Iterable[Tree], teams: Iterable[Tree]) -> list[str]:
    """What else of the caller can own a Task: their roles, the organizations of these, and care
    teams."""
    found: dict[str, None] = {}
    for role in roles:
        found[f"PractitionerRole/{role['id']}"] = None
        organization = str(role.get("organization", {}).get("reference", ""))
        if organization.startswith("Organization/"):
            found[organization] = None
    for team in teams:
        found[f"CareTeam/{team['id']}"] = None
    return list(found)
