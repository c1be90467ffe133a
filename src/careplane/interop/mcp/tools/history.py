"""`history`: the versions of one resource, newest first (FHIR R4, 3.1.0.9)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw, Struct

from careplane.access.caller import Caller
from careplane.interop.mcp.asking import Cursor, Id, Type
from careplane.interop.mcp.compact import Omitted, Room, compact
from careplane.interop.mcp.tool import DATA, Answer, Arguments, Desk, Tool
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Incorrect
from careplane.records import commands as c


class Taken(Arguments, frozen=True):
    """What `history` takes."""

    type: Type = ""
    id: Id = ""
    count: Annotated[int, Meta(ge=1, le=50, description="Versions in the answer.")] = 10
    cursor: Cursor = ""


class Entry(Struct, frozen=True, omit_defaults=True):
    """One version."""

    version: int
    updated: Annotated[str, Meta(description="When it was made (instant).")]
    deleted: Annotated[bool, Meta(description="Whether it is a deletion.")] = False
    resource: Annotated[
        Raw | None,
        Meta(description="The resource; missing for a deletion, and where there was no room."),
    ] = None


class Given(Answer, frozen=True):
    """What `history` gives."""

    versions: Annotated[list[Entry], Meta(description="Newest first.")]
    omitted: Annotated[list[Omitted], Meta(description="What was left out of resources.")]
    total: Annotated[int | None, Meta(description="How many versions there are.")] = None
    next: Annotated[str | None, Meta(description="Cursor of what follows; none at the end.")] = None


class _Further(Struct, frozen=True, array_like=True):
    """What a cursor carries."""

    type: str
    id: str
    count: int
    cursor: str | None


async def history(desk: Desk, caller: Caller, taken: Taken) -> Given:
    """Raises NotFound for what never was, or may not be seen."""
    if taken.cursor:
        asked = desk.seal.open(taken.cursor, _Further)
    elif taken.type and taken.id:
        asked = _Further(taken.type, taken.id, taken.count, None)
    else:
        raise Incorrect("Name the type and the id of a resource.")
    found = await desk.door.history(
        caller, c.History(asked.type, asked.id, count=asked.count, cursor=asked.cursor)
    )
    room = Room()
    entries: list[Entry] = []
    omitted: list[Omitted] = []
    for version in found.versions:
        raw = None
        if not version.deleted:
            one = compact(version)
            raw = room.takes(one)
            omitted += [] if raw is None or one.omitted == omitted[-1:] else one.omitted
        when = format_instant(version.last_updated)
        entries.append(Entry(version.version, when, version.deleted, raw))
    further = None
    if found.next is not None:
        further = desk.seal.seal(_Further(asked.type, asked.id, asked.count, found.next))
    return Given(entries, omitted, found.total, further)


TOOL = Tool(
    "history",
    "History of a record",
    "List the versions of one FHIR resource, newest first, with deletions." + DATA,
    Taken,
    Given,
    history,
)
