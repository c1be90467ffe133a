"""The one who asks: a person, a client or a device, as the rooms below HTTP see it."""

from __future__ import annotations

from dataclasses import dataclass, field

from careplane.access.scopes import Scope
from careplane.storage.ports.records import Tenant

TREATMENT = "TREAT"
"""The purpose of use of whoever names no other."""

BREAK_GLASS = "BTG"
"""The purpose of use of whoever opens what is closed to them, in an emergency."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller whose credential has been checked.

    `id` is stable over credentials (`client/integration`, `Practitioner/17`) and is what the audit
    trail names; `patient` is the logical id whose compartment the `patient/` scopes open; `roles`
    are what policies go by, besides `scopes`, and pages show what a role needs; `purpose` is the
    purpose of use (v3-ActReason); `emergency` is the patient for whom the glass has been broken,
    whose Consents then yield. For the audit trail alone, and making no other caller: `address` is
    where the request came from, `client` the id of the program that asks, `token` that of the
    token (jti) that it sent. `proved` makes none either: when a person last proved who it is, in
    seconds since 1970 (see `access.fresh`). `principal` is whom policies see, where that is not
    `id`: who made a health link, of somebody who opens it.
    """

    tenant: Tenant
    id: str
    name: str
    scopes: frozenset[Scope]
    patient: str | None = None
    roles: frozenset[str] = frozenset()
    purpose: str = TREATMENT
    emergency: str | None = None
    principal: str = ""
    address: str = field(default="", compare=False)
    client: str = field(default="", compare=False)
    token: str = field(default="", compare=False)
    proved: int = field(default=0, compare=False)
    told: bytes = field(default=b"", init=False, compare=False, repr=False)
    """What the audit trail says of it, put here by who says it first (`records.account`)."""
    _hash: int = field(default=0, init=False, compare=False, repr=False)

    def __hash__(self) -> int:
        """Made once: decisions are looked up by the caller, several in each request."""
        if not self._hash:
            made = hash((self.tenant, self.id, self.scopes, self.patient, self.roles, self.purpose))
            object.__setattr__(self, "_hash", made or 1)
        return self._hash


_PATIENTS = frozenset({"patient", "proxy", "acting-proxy", "narrow-proxy"})


def acts_as_patient(caller: Caller) -> bool:
    """Whether somebody acts as a patient, or for one, and not as staff. A clinician's app that was
    opened for one patient has `patient/` scopes too; it is told by who uses it."""
    kind = caller.id.partition("/")[0]
    if kind in ("Patient", "RelatedPerson"):
        return True
    if caller.roles:
        return caller.roles <= _PATIENTS
    contexts = {scope.context for scope in caller.scopes}
    return kind != "Practitioner" and caller.patient is not None and contexts == {"patient"}


def nobody(address: str) -> Caller:
    """Who sent no credential, or none that is good: of no tenant, and with no rights."""
    return Caller(Tenant(0), "", "", frozenset(), address=address)
