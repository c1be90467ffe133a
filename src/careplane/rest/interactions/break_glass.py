"""`Patient/[id]/$break-glass` and the review of what came of it. Not of R4."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.access.smart.tokens import Tokens
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.records.break_glass import BreakGlass, Case
from careplane.rest.operation import Call, Operation, our_definition
from careplane.rest.response import Response


@dataclass(frozen=True, slots=True)
class Emergencies:
    """The operations over one BreakGlass."""

    glass: BreakGlass
    tokens: Tokens

    async def open(self, call: Call) -> Response:
        """A token for this patient, for a while."""
        call.refuse_others("reason", "_format", "_pretty")
        assert call.id is not None
        request = call.request
        bearer = (request.header(b"authorization") or "").partition(" ")[2].strip()
        held = self.tokens.read(bearer) if bearer else None
        door, reason = call.service.door, call.text("reason") or ""
        opened = await self.glass.open(door, request.caller, call.id, reason, held)
        case = opened.case
        parameters: list[Tree] = [
            {"name": "case", "valueString": case.id},
            {"name": "access_token", "valueString": opened.token},
            {"name": "until", "valueInstant": format_instant(case.until)},
        ]
        return Response(200, _parameters(parameters), [(b"cache-control", b"no-store")])

    async def cases(self, call: Call) -> Response:
        """Cases that wait for a review."""
        call.refuse_others("_format", "_pretty")
        cases = await self.glass.waiting(call.request.caller)
        return Response(200, _parameters([_case(case) for case in cases]))

    async def review(self, call: Call) -> Response:
        """What the privacy officer has found."""
        call.refuse_others("case", "finding", "_format", "_pretty")
        door, caller = call.service.door, call.request.caller
        finding = call.text("finding") or ""
        case = await self.glass.review(door, caller, call.text("case") or "", finding)
        return Response(200, _parameters([_case(case)]))

    def offered(self) -> tuple[Operation, ...]:
        """As `app.build` hands them in."""
        patient = frozenset({"Patient"})
        return (
            Operation(
                our_definition(
                    "break-glass", instance=True, affects_state=True, parameters=("reason",)
                ),
                self.open,
                patient,
            ),
            Operation(our_definition("break-glass-cases", type=True), self.cases, patient),
            Operation(
                our_definition(
                    "break-glass-review",
                    type=True,
                    affects_state=True,
                    parameters=("case", "finding"),
                ),
                self.review,
                patient,
            ),
        )


def _parameters(parameters: list[Tree]) -> bytes:
    some = {"parameter": parameters} if parameters else {}
    return json.dump({"resourceType": "Parameters"} | some)


def _case(case: Case) -> Tree:
    part: list[Tree] = [
        {"name": "id", "valueString": case.id},
        {"name": "agent", "valueString": case.agent},
        {"name": "patient", "valueReference": {"reference": f"Patient/{case.patient}"}},
        {"name": "reason", "valueString": case.reason},
        {"name": "opened", "valueInstant": format_instant(case.opened)},
        {"name": "until", "valueInstant": format_instant(case.until)},
    ]
    if case.reviewer:
        part += [
            {"name": "reviewer", "valueString": case.reviewer},
            {"name": "finding", "valueString": case.finding},
        ]
    return {"name": "case", "part": part}
