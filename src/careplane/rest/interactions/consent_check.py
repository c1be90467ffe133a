"""`Consent/$consent-check` and `Consent/[id]/$consent-check`: permit or deny, and why."""

from __future__ import annotations

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect
from careplane.records import commands as c
from careplane.rest.operation import Call, Operation, our_definition
from careplane.rest.response import Response

_PARAMETERS = ("actor", "purpose", "action", "role", "patient", "resource")


async def consent_check(call: Call) -> Response:
    """The decision for one record of one patient, or the Patient itself."""
    call.refuse_others(*_PARAMETERS, "_format", "_pretty")
    type, _, id = _about(call).partition("/")
    command = c.ConsentCheck(
        type,
        id,
        _needed(call, "actor"),
        call.text("purpose") or "TREAT",
        call.text("action") or "access",
        frozenset(map(str, call.all("role"))),
        call.id or "",
    )
    found = await call.service.door.consent_check(call.request.caller, command)
    parameters: list[Tree] = [
        {"name": "decision", "valueCode": "permit" if found.permit else "deny"},
        {"name": "reason", "valueString": found.reason},
    ]
    if found.consent:
        parameters += [
            {"name": "consent", "valueReference": {"reference": found.consent}},
            {"name": "provision", "valueString": found.provision},
        ]
    return Response(200, json.dump({"resourceType": "Parameters", "parameter": parameters}))


def _about(call: Call) -> str:
    patient, resource = call.text("patient"), call.text("resource")
    if (patient is None) == (resource is None):
        raise Incorrect("Name either a 'patient' (17 or Patient/17) or a 'resource' (Type/17).")
    if resource is not None:
        if "/" not in resource:
            raise Incorrect("A 'resource' is named as Type/17.")
        return resource
    return f"Patient/{(patient or '').removeprefix('Patient/')}"


def _needed(call: Call, name: str) -> str:
    found = call.text(name)
    if not found:
        raise Incorrect(f"Name the '{name}', such as Practitioner/17.")
    return found


OPERATIONS = (
    Operation(
        our_definition("consent-check", type=True, instance=True, parameters=_PARAMETERS),
        consent_check,
        frozenset({"Consent"}),
    ),
)
