"""What asks the caller for something: Tasks of theirs and of their pools, and unread messages."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from careplane.care import pools, tasks
from careplane.care.documents import given
from careplane.care.prescribing import refill
from careplane.web.chart.inbox import Asked, asked, by_urgency
from careplane.web.reader import NOT_ALLOWED
from careplane.web.visit import Visit

_MOST = 50


@dataclass(frozen=True, slots=True)
class Inbox:
    """Rows, and how many messages wait; `more` where more Tasks wait than are shown."""

    rows: list[Asked]
    messages: int = 0
    more: bool = False
    hidden: bool = False


async def inbox(visit: Visit) -> Inbox:
    """Whose pools the caller is in says what to look for."""
    assert visit.caller is not None
    me = visit.caller.id
    if not visit.offers("Task") or not me.startswith("Practitioner/"):
        return Inbox([], hidden=True)
    owners, (unread,) = await asyncio.gather(
        pools.owners(visit.web.door, visit.caller),
        visit.reader.several(
            ("Communication", [("recipient", me), ("received:missing", "true"),
                               ("status", "completed,in-progress"), ("_count", "1"),
                               ("_total", "accurate")]),
        ),
    )  # fmt: skip
    wanted = [("status", ",".join(tasks.OPEN)), ("_sort", "-authored-on"), ("_count", str(_MOST))]
    mine, anybodys = await visit.reader.several(
        ("Task", [("owner", ",".join(owners)), *wanted]),
        ("Task", [("owner:missing", "true"), ("code", _open_to_all(visit)), *wanted]),
    )
    if mine is NOT_ALLOWED:
        return Inbox([], hidden=True)
    rows = [asked(tree, me) for tree in (*mine.trees, *anybodys.trees)]
    messages = unread.total if unread.total is not None else len(unread.records)
    return Inbox(by_urgency(rows), messages, bool(mine.next))


_OPEN_TO_ALL = {refill.CODE: ("c", "MedicationRequest"), given.CODE: ("u", "DocumentReference")}
"""Requests that name nobody are for all who may answer them."""


def _open_to_all(visit: Visit) -> str:
    codes = [code for code, right in _OPEN_TO_ALL.items() if visit.may(*right)]
    return ",".join(f"{tasks.CODES}|{code}" for code in codes or ("none",))
