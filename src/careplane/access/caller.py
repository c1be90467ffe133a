"""The one who asks: a person, a client or a device, as the rooms below HTTP see it."""

from __future__ import annotations

from dataclasses import dataclass, field

from careplane.access.scopes import Scope
from careplane.storage.ports.records import Tenant

TREATMENT = "TREAT"
"""The purpose of use of whoever names no other."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller whose credential has been checked.

    `id` is stable over credentials (`client/integration`, `Practitioner/17`) and is what the audit
    trail names; `patient` is the logical id whose compartment the `patient/` scopes open; `roles`
    are what policies go by, besides `scopes`, and pages show what a role needs; `purpose` is the
    purpose of use (v3-ActReason). `address` is where the request came from, for the audit trail; it
    makes no other caller.
    """

    tenant: Tenant
    id: str
    name: str
    scopes: frozenset[Scope]
    patient: str | None = None
    roles: frozenset[str] = frozenset()
    purpose: str = TREATMENT
    address: str = field(default="", compare=False)
    _hash: int = field(default=0, init=False, compare=False, repr=False)

    def __hash__(self) -> int:
        """Made once: decisions are looked up by the caller, several in each request."""
        if not self._hash:
            made = hash((self.tenant, self.id, self.scopes, self.patient, self.roles, self.purpose))
            object.__setattr__(self, "_hash", made or 1)
        return self._hash


def nobody(address: str) -> Caller:
    """Who sent no credential, or none that is good: of no tenant, and with no rights."""
    return Caller(Tenant(0), "", "", frozenset(), address=address)
