"""`Appointment/[id]/$visit-…`: a visit by API, as the pages do it. Not of R4."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect
from careplane.rest.addressing import ROOT
from careplane.rest.operation import Call, Handler, Operation, our_definition
from careplane.rest.response import Response
from careplane.telehealth.visits.charges import Proposal
from careplane.telehealth.visits.sockets import PATH
from careplane.telehealth.visits.visits import Visits

_NEUTRAL = ("_format", "_pretty")
_TYPES = frozenset({"Appointment"})
GUEST = "/visit"
"""The page that a guest's link leads to; the token stands behind `#`, so no log has it."""


@dataclass(frozen=True, slots=True)
class Operations:
    """Over the visits of an installation."""

    visits: Visits

    def offered(self) -> tuple[Operation, ...]:
        """For `app.build`."""
        return (
            _operation("visit-join", ("consent",), self.join),
            _operation("visit-invite", ("name",), self.invite),
            _operation("visit-summary", ("text",), self.summarize),
            _operation("visit-identify", ("how",), self.identify),
            _operation("visit-charges", (), self.charges, changes=False),
            _operation("visit-charge", ("rule",), self.charge),
            _operation("visit-file", ("title", "contentType", "data"), self.share),
        )

    async def join(self, call: Call) -> Response:
        """A ticket for the websocket; with `consent`, the patient agrees to telehealth."""
        call.refuse_others("consent", *_NEUTRAL)
        assert call.id is not None
        caller = call.request.caller
        if call.text("consent") not in (None, "true"):
            raise Incorrect("consent is true, or left out.")
        if call.text("consent") == "true":
            standing = await self.visits.consent(caller, call.id)
        else:
            standing = await self.visits.standing(caller, call.id)
        return _parameters(
            {"name": "ticket", "valueString": self.visits.ticket(caller, standing)},
            {"name": "role", "valueCode": standing.role},
            {"name": "consented", "valueBoolean": standing.consented},
            {"name": "websocket-url", "valueUrl": address(call.request.base, call.id)},
        )

    async def invite(self, call: Call) -> Response:
        """A link for one guest."""
        call.refuse_others("name", *_NEUTRAL)
        assert call.id is not None
        token = await self.visits.invite(call.request.caller, call.id, call.text("name") or "")
        origin = call.request.base.removesuffix(ROOT)
        return _parameters({"name": "url", "valueUrl": f"{origin}{GUEST}#{token}"})

    async def summarize(self, call: Call) -> Response:
        """The after-visit summary."""
        call.refuse_others("text", *_NEUTRAL)
        assert call.id is not None
        text = call.text("text") or ""
        return _document(await self.visits.summarize(call.request.caller, call.id, text))

    async def identify(self, call: Call) -> Response:
        """The patient's identity was checked."""
        call.refuse_others("how", *_NEUTRAL)
        assert call.id is not None
        await self.visits.identify(call.request.caller, call.id, call.text("how") or "")
        return _parameters({"name": "identified", "valueBoolean": True})

    async def charges(self, call: Call) -> Response:
        """What the visit may be charged as."""
        call.refuse_others(*_NEUTRAL)
        assert call.id is not None
        found = await self.visits.proposals(call.request.caller, call.id)
        return _parameters(*map(_proposal, found))

    async def charge(self, call: Call) -> Response:
        """Charge one of these."""
        call.refuse_others("rule", *_NEUTRAL)
        assert call.id is not None
        made = await self.visits.charge(call.request.caller, call.id, call.text("rule") or "")
        return _parameters({"name": "charge", "valueReference": {"reference": made}})

    async def share(self, call: Call) -> Response:
        """A file, in base64."""
        call.refuse_others("title", "contentType", "data", *_NEUTRAL)
        assert call.id is not None
        try:
            data = base64.b64decode(call.text("data") or "", validate=True)
        except (binascii.Error, ValueError) as error:
            raise Incorrect("data is base64.") from error
        kind, title = call.text("contentType") or "", call.text("title") or ""
        caller = call.request.caller
        return _document(await self.visits.share(caller, call.id, title, kind, data))


def address(base: str, visit: str) -> str:
    """The address of the websocket; it names the visit so that what spreads load can keep the
    participants of one on one server."""
    return f"ws{base.removeprefix('http').removesuffix(ROOT)}{PATH}?visit={visit}"


def _proposal(one: Proposal) -> Tree:
    parts = [
        {"name": "rule", "valueId": one.rule},
        {"name": "title", "valueString": one.title},
        {"name": "code", "valueCodeableConcept": one.code},
        {"name": "charged", "valueBoolean": one.charged},
    ]
    if one.price:
        parts.append({"name": "price", "valueString": one.price})
    return {"name": "proposal", "part": parts}


def _operation(
    code: str, parameters: tuple[str, ...], handler: Handler, *, changes: bool = True
) -> Operation:
    definition = our_definition(code, instance=True, affects_state=changes, parameters=parameters)
    return Operation(definition, handler, _TYPES)


def _document(reference: str) -> Response:
    return _parameters({"name": "document", "valueReference": {"reference": reference}})


def _parameters(*parameters: Tree) -> Response:
    body: Tree = {"resourceType": "Parameters", "parameter": list(parameters)}
    return Response(200, json.dump(body), [(b"cache-control", b"no-store")])
