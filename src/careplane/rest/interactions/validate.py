"""`$validate` (FHIR R4, Resource-validate)."""

from __future__ import annotations

from typing import cast

from careplane.fhir.codec import json
from careplane.kernel.errors import Incorrect
from careplane.records import commands as c
from careplane.rest.operation import Call, Operation, definition
from careplane.rest.outcome import outcome
from careplane.rest.response import Response

_MODES = ("create", "update", "delete")
_MOST_PROFILES = 20


async def validate(call: Call) -> Response:
    """200 with every problem, whatever they are: the operation itself went well."""
    call.refuse_others("resource", "mode", "profile", "_format", "_pretty")
    mode = call.text("mode")
    if mode is not None and mode not in _MODES:
        raise Incorrect(f"mode is one of {', '.join(_MODES)}.")
    tree = call.tree("resource")
    assert call.type is not None
    command = c.Validate(
        call.type,
        call.resource if tree is None else json.dump(tree),
        call.id,
        cast(c.ValidationMode | None, mode),
        _profiles(call),
    )
    report = await call.service.door.validate(call.request.caller, command)
    return Response(200, outcome(report.issues))


def _profiles(call: Call) -> tuple[str, ...]:
    found = [text for text in call.all("profile") if isinstance(text, str) and ":" in text]
    if len(found) < len(call.all("profile")) or len(found) > _MOST_PROFILES:
        raise Incorrect(f"profile is a canonical URL; up to {_MOST_PROFILES} of them are taken.")
    return tuple(found)


OPERATIONS = (Operation(definition("Resource-validate"), validate, later=True),)
