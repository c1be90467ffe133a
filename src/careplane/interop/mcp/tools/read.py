"""`read`: one resource, now or as it was (FHIR R4, 3.1.0.2 and 3.1.0.3)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw

from careplane.access.caller import Caller
from careplane.interop.mcp.asking import Elements, Id, Type
from careplane.interop.mcp.compact import ROOM, Omitted, Room, compact
from careplane.interop.mcp.tool import DATA, Answer, Arguments, Desk, Tool
from careplane.kernel.errors import TooLarge
from careplane.records import commands as c


class Taken(Arguments, frozen=True):
    """What `read` takes."""

    type: Type
    id: Id
    version: Annotated[
        int,
        Meta(ge=0, lt=10**9, description="An earlier version by its number; 0: as it is now."),
    ] = 0
    elements: Elements = ()


class Given(Answer, frozen=True):
    """What `read` gives."""

    resource: Annotated[Raw, Meta(description="The resource as FHIR JSON.")]
    omitted: Annotated[list[Omitted], Meta(description="What was left out of it.")]


async def read(desk: Desk, caller: Caller, taken: Taken) -> Given:
    """Raises NotFound, Gone, and TooLarge for what does not fit into an answer."""
    if not taken.version:
        version = await desk.door.read(caller, c.Read(taken.type, taken.id))
    else:
        version = await desk.door.vread(caller, c.Vread(taken.type, taken.id, taken.version))
    one = compact(version, taken.elements)
    raw = Room().takes(one)
    if raw is None:
        raise TooLarge(
            f"This resource has {len(one.json)} bytes; an answer has room for {ROOM}. Name the "
            "'elements' that are needed."
        )
    return Given(raw, one.omitted)


TOOL = Tool(
    "read",
    "Read a record",
    "Read one FHIR resource by its type and id, as it is now or in an earlier version, without its "
    "narrative and files." + DATA,
    Taken,
    Given,
    read,
)
