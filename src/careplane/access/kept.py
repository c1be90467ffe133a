"""A caller as it is kept, with the rights of that moment: for work done in its name later."""

from __future__ import annotations

from msgspec import Struct

from careplane.access.caller import TREATMENT, Caller
from careplane.access.scopes import parse_scopes
from careplane.storage.ports.records import Tenant


class KeptCaller(Struct, frozen=True, array_like=True):
    """What makes a caller; not where its request came from."""

    tenant: int
    id: str
    name: str
    scopes: tuple[str, ...]
    patient: str | None
    roles: tuple[str, ...]
    purpose: str = TREATMENT
    client: str = ""
    token: str = ""

    def caller(self, address: str = "") -> Caller:
        """The caller again."""
        return Caller(
            Tenant(self.tenant),
            self.id,
            self.name,
            parse_scopes(" ".join(self.scopes)),
            self.patient,
            frozenset(self.roles),
            self.purpose,
            address=address,
            client=self.client,
            token=self.token,
        )


def kept(caller: Caller) -> KeptCaller:
    """The caller, as it is kept. An emergency is over by then, and so is what it opened."""
    return KeptCaller(
        int(caller.tenant),
        caller.id,
        caller.name,
        tuple(sorted(map(str, caller.scopes))),
        caller.patient,
        tuple(sorted(caller.roles)),
        TREATMENT if caller.emergency else caller.purpose,
        caller.client,
        caller.token,
    )
