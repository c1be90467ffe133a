"""`terminology_validate_code`: whether a code is one of a system, or of a value set
(`$validate-code`)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw

from careplane.access.caller import Caller
from careplane.fhir.codec import json
from careplane.interop.mcp import codes
from careplane.interop.mcp.tool import Answer, Arguments, Desk, Tool
from careplane.terminology import calls


class Taken(Arguments, frozen=True):
    """What `terminology_validate_code` takes."""

    system: codes.System
    code: codes.Code
    display: Annotated[str, Meta(description="A name to be checked as well.", max_length=1000)] = ""
    value_set: Annotated[
        codes.Url,
        Meta(description="Canonical URL of a value set; empty: any code of the system is good."),
    ] = ""
    version: codes.Version = ""


class Given(Answer, frozen=True):
    """What `terminology_validate_code` gives."""

    valid: bool
    display: Annotated[str | None, Meta(description="The name of the code.")] = None
    message: Annotated[str | None, Meta(description="What is wrong, or worth knowing.")] = None
    outcome: Annotated[Raw | None, Meta(description="The same as an OperationOutcome.")] = None


async def validate_code(desk: Desk, caller: Caller, taken: Taken) -> Given:
    """Raises NotFound for a value set that is not here."""
    if taken.value_set:
        operation, work = ("ValueSet", "validate-code"), calls.validate_in_value_set
        where = {"url": taken.value_set, "system": taken.system, "systemVersion": taken.version}
    else:
        operation, work = ("CodeSystem", "validate-code"), calls.validate_in_code_system
        where = {"url": taken.system, "version": taken.version}
    said = await codes.ask(
        desk, caller, operation, work, **where, code=taken.code, display=taken.display
    )
    issues = codes.value(said, "issues")
    return Given(
        codes.value(said, "result") is True,
        codes.text(said, "display"),
        codes.text(said, "message"),
        Raw(json.dump(issues)) if isinstance(issues, dict) else None,
    )


TOOL = Tool(
    "terminology_validate_code",
    "Check a code",
    "Say whether a code is in a code system or a value set, and whether a display is right for it.",
    Taken,
    Given,
    validate_code,
)
