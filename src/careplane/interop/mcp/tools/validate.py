"""`validate`: whether a resource would be accepted, and conforms to profiles (`$validate`)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Raw

from careplane.access.caller import Caller
from careplane.fhir.codec import json
from careplane.interop.mcp.asking import Resource
from careplane.interop.mcp.tool import Answer, Arguments, Desk, Tool
from careplane.kernel.errors import Incorrect
from careplane.records import commands as c
from careplane.rest.outcome import outcome

_MOST = 100


class Taken(Arguments, frozen=True):
    """What `validate` takes."""

    resource: Resource
    profiles: Annotated[
        tuple[Annotated[str, Meta(max_length=500, pattern=":")], ...],
        Meta(description="Canonical URLs of profiles that it must conform to.", max_length=20),
    ] = ()
    mode: Annotated[
        Literal["create", "update"] | None,
        Meta(description="What would be done with it; none: only its contents are looked at."),
    ] = None


class Given(Answer, frozen=True):
    """What `validate` gives."""

    valid: Annotated[bool, Meta(description="Whether no issue is an error.")]
    outcome: Annotated[
        Raw, Meta(description="OperationOutcome; each issue says what is wrong and where.")
    ]
    without_room: Annotated[int, Meta(description="Issues beyond those that are shown.")] = 0


async def validate(desk: Desk, caller: Caller, taken: Taken) -> Given:
    """Nothing is stored."""
    type, id = taken.resource.get("resourceType"), taken.resource.get("id")
    if not isinstance(type, str):
        raise Incorrect("The resource names no resourceType.")
    command = c.Validate(
        type,
        json.dump(taken.resource),
        id if taken.mode == "update" and isinstance(id, str) else None,
        taken.mode,
        taken.profiles,
    )
    issues = (await desk.door.validate(caller, command)).issues
    valid = all(issue.severity not in ("error", "fatal") for issue in issues)
    return Given(valid, Raw(outcome(issues[:_MOST])), max(0, len(issues) - _MOST))


TOOL = Tool(
    "validate",
    "Validate a resource",
    "Check a FHIR R4 resource against the standard and against profiles that this server knows. "
    "Nothing is stored.",
    Taken,
    Given,
    validate,
)
