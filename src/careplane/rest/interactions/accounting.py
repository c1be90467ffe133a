"""`Patient/[id]/$accounting-of-disclosures`: the accounting of 45 CFR 164.528, as a Bundle of
AuditEvents, or as CSV with `output=csv`. No operation of R4."""

from __future__ import annotations

from careplane.fhir.codec import json
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Incorrect
from careplane.records.audits.disclosures import accounting, as_bundle, as_csv
from careplane.rest.operation import Call, Operation, our_definition
from careplane.rest.response import Response

_PARAMETERS = ("extended", "output")


def operations(clock: Clock) -> tuple[Operation, ...]:
    """`clock` says up to when the six years are."""

    async def account(call: Call) -> Response:
        assert call.id is not None
        output = call.text("output") or "fhir"
        call.refuse_others(*_PARAMETERS, *(("_format", "_pretty") if output == "fhir" else ()))
        if output not in ("fhir", "csv"):
            raise Incorrect("The parameter 'output' is fhir or csv.")
        lines = await accounting(
            call.service.door,
            call.request.caller,
            call.id,
            clock(),
            extended=call.flag("extended"),
        )
        if output == "csv":
            return Response(200, as_csv(lines).encode(), [_FILE], _CSV)
        return Response(200, json.dump(as_bundle(lines)))

    definition = our_definition("accounting-of-disclosures", instance=True, parameters=_PARAMETERS)
    return (Operation(definition, account, frozenset({"Patient"}), later=True),)


_CSV = "text/csv; charset=utf-8"
_FILE = (b"content-disposition", b'attachment; filename="disclosures.csv"')
