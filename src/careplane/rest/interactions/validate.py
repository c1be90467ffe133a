"""`$validate` (FHIR R4, Resource-validate)."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from careplane.fhir.codec import json
from careplane.fhir.validation import type_of
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
    raw = call.resource if tree is None else json.dump(tree)
    command = c.Validate(
        call.type or _type(raw),
        raw,
        call.id,
        cast(c.ValidationMode | None, mode),
        _profiles(call),
    )
    report = await call.service.door.validate(call.request.caller, command)
    return Response(200, outcome(report.issues))


def _type(raw: bytes) -> str:
    """Of a resource that is sent to the system itself."""
    type = type_of(raw) if raw else None
    if type is None:
        raise Incorrect("There is nothing to validate; send a resource.")
    return type


def _profiles(call: Call) -> tuple[str, ...]:
    found = [text for text in call.all("profile") if isinstance(text, str) and ":" in text]
    if len(found) < len(call.all("profile")) or len(found) > _MOST_PROFILES:
        raise Incorrect(f"profile is a canonical URL; up to {_MOST_PROFILES} of them are taken.")
    return tuple(found)


_EVERYWHERE = replace(definition("Resource-validate"), system=True)
"""R4 has it for types and instances; asked of the system, it is about a resource of any type."""
OPERATIONS = (Operation(_EVERYWHERE, validate, later=True),)
