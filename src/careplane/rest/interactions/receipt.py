"""`$receipt`: the proof that a version is in the tamper-evident log (c2sp.org/tlog-proof), a text
that anybody can verify offline. No operation of R4."""

from __future__ import annotations

from collections.abc import Sequence

from careplane.kernel.errors import Forbidden, Gone, NotFound
from careplane.records import commands as c
from careplane.records.results import Version
from careplane.records.veil.veiled import Veiled
from careplane.rest.operation import Call, Operation, our_definition
from careplane.rest.response import Response
from careplane.rest.service import Receipt

_MEDIA = "text/plain; charset=utf-8"
_NAME = "version"


def operations(receipt: Receipt | None) -> Sequence[Operation]:
    """None where there is no ledger."""
    if receipt is None:
        return ()
    definition = our_definition("receipt", instance=True, parameters=(_NAME,))

    async def handler(call: Call) -> Response:
        version = await _version(call)
        if isinstance(version, Veiled):
            raise Forbidden("A receipt is of a whole version, and you do not see all of this one.")
        return Response(200, await receipt(call.request.caller, version), media=_MEDIA)

    return (Operation(definition, handler, answers="text/plain", of_version=True),)


async def _version(call: Call) -> Version:
    """The version that is asked for, where the caller may read it."""
    call.refuse_others(_NAME, "_format", "_pretty")
    assert call.type is not None
    assert call.id is not None
    door, caller, path = call.service.door, call.request.caller, call.request.path
    number = path[3] if path[2] == "_history" else call.text(_NAME)
    if number is None:
        return await door.read(caller, c.Read(call.type, call.id))
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise NotFound(f"There is no such version of this {call.type}.")
    try:
        return await door.vread(caller, c.Vread(call.type, call.id, int(number)))
    except Gone:
        history = await door.history(caller, c.History(call.type, call.id))
        for version in history.versions:  # deletions stand among the newest
            if version.version == int(number):
                return version
        raise
