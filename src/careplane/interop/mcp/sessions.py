"""Sessions of the versions that have them: an id that only this server can make, which says whose
it is and which version was settled. Nothing is kept, so that any process can answer."""

from __future__ import annotations

from msgspec import Struct

from careplane.access.caller import Caller
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Incorrect, NotFound
from careplane.rest.links import Pages

_HOURS = 12
_HOUR = 3_600_000_000
_GONE = "There is no such session; begin with initialize."


class _Session(Struct, frozen=True, array_like=True):
    tenant: int
    caller: str
    patient: str | None
    client: str
    version: str
    until: int


class Sessions:
    """`seal` is of 32 secret bytes."""

    def __init__(self, seal: Pages, clock: Clock) -> None:
        self._seal = seal
        self._clock = clock

    def open(self, caller: Caller, version: str) -> str:
        """A new one for a caller: visible ASCII, as a header wants it."""
        until = self._clock() + _HOURS * _HOUR
        return self._seal.seal(
            _Session(int(caller.tenant), caller.id, caller.patient, caller.client, version, until)
        )

    def version(self, caller: Caller, id: str) -> str:
        """The protocol version of a session. Raises NotFound where it is over, or of somebody
        else."""
        try:
            found = self._seal.open(id, _Session)
        except Incorrect:
            raise NotFound(_GONE) from None
        whose = (found.tenant, found.caller, found.patient, found.client)
        asking = (int(caller.tenant), caller.id, caller.patient, caller.client)
        if whose != asking or self._clock() >= found.until:
            raise NotFound(_GONE)
        return found.version
