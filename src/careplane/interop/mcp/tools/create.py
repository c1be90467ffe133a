"""`create`: a new resource (FHIR R4, 3.1.0.8)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw

from careplane.access.caller import Caller
from careplane.access.scopes import Permission
from careplane.fhir.codec import json
from careplane.interop.mcp.asking import Resource
from careplane.interop.mcp.tool import Answer, Arguments, Desk, Tool
from careplane.kernel.errors import Incorrect
from careplane.records import commands as c
from careplane.rest.outcome import outcome


class Taken(Arguments, frozen=True):
    """What `create` takes."""

    resource: Resource
    if_none_exist: Annotated[
        str,
        Meta(
            description="Search criteria, such as identifier=http://example.org|17: where one "
            "resource matches, it is found, and none is made.",
            max_length=2000,
        ),
    ] = ""


class Given(Answer, frozen=True):
    """What `create` gives."""

    effect: Annotated[str, Meta(description="created, or found where it was there already.")]
    reference: Annotated[str, Meta(description="The resource, such as Patient/17.")]
    version: int
    outcome: Annotated[
        Raw | None, Meta(description="OperationOutcome of what its profiles say of it.")
    ] = None


async def create(desk: Desk, caller: Caller, taken: Taken) -> Given:
    """Raises Invalid with every problem, Ambiguous where several match."""
    type = taken.resource.get("resourceType")
    if not isinstance(type, str):
        raise Incorrect("The resource names no resourceType.")
    raw = json.dump(taken.resource)
    done = await desk.door.create(caller, c.Create(type, raw, taken.if_none_exist or None))
    made = done.version
    assert made is not None, "a create leaves a version"
    issues = Raw(outcome(done.issues)) if done.issues else None
    return Given(done.effect, f"{made.type}/{made.id}", made.version, issues)


TOOL = Tool(
    "create",
    "Create a record",
    "Store a new FHIR resource; the server gives it its id. Ask the person whom you work for "
    "before you call this.",
    Taken,
    Given,
    create,
    Permission.CREATE,
)
