"""`Patient/[id]/$summary` and `Patient/$summary` (HL7 IPS 1.1, OperationDefinition/summary)."""

from __future__ import annotations

from careplane.fhir.codec import json
from careplane.fhir.definitions import OperationDef, OperationParameter
from careplane.kernel.errors import Incorrect, Unsupported
from careplane.rest.operation import Call, Operation
from careplane.rest.response import Response
from careplane.sharing.ips.document import BUNDLE, COMPOSITION
from careplane.sharing.ips.summaries import Summaries
from careplane.words.languages import asked

_NEUTRAL = ("_format", "_pretty")
_DEFINITION = OperationDef(
    "summary",
    "summary",
    (),
    False,
    True,
    True,
    False,
    (
        OperationParameter("identifier", "in", 0, 1, "string", "token", (), ()),
        OperationParameter("profile", "in", 0, 1, "canonical", "", (), ()),
    ),
    "http://hl7.org/fhir/uv/ips/OperationDefinition/summary",
)


def operations(summaries: Summaries) -> tuple[Operation, ...]:
    """For `app.build`."""

    async def summary(call: Call) -> Response:
        call.refuse_others("identifier", "profile", *_NEUTRAL)
        wanted = (call.text("profile") or COMPOSITION).partition("|")[0]
        if wanted not in (COMPOSITION, BUNDLE):
            raise Unsupported(f"Summaries are made by one profile, {COMPOSITION}.")
        caller, identifier = call.request.caller, call.text("identifier")
        if call.id is not None and identifier:
            raise Incorrect("Name the patient by the address or by 'identifier', not by both.")
        if call.id is None and not identifier:
            raise Incorrect("Patient/$summary needs 'identifier', as system|value.")
        id = call.id or await summaries.identified(caller, identifier or "")
        language = asked(call.request.header(b"accept-language") or "")
        bundle = await summaries.of(caller, id, call.request.base, language=language)
        return Response(200, json.dump(bundle), [(b"cache-control", b"no-store")])

    return (Operation(_DEFINITION, summary, frozenset({"Patient"})),)
