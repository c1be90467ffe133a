"""Institutions of one installation that have agreed to exchange referrals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from careplane.fhir.tree import Tree
from careplane.storage.ports.records import Tenant

SYSTEM: Final = "urn:careplane:institution"
"""Identifies an institution of the installation, by its name, as an Organization at others."""
_PREFIX: Final = "institution-"


@dataclass(frozen=True, slots=True)
class Partner:
    """An institution: under what its data stands, its short name, what people call it."""

    tenant: Tenant
    name: str
    title: str

    @property
    def reference(self) -> str:
        """As an Organization in the directory of another one."""
        return f"Organization/{_PREFIX}{self.name}"

    def party(self) -> Tree:
        """A Reference to it there."""
        return {"reference": self.reference, "display": self.title}


class Partners(Protocol):
    """Who exchanges with whom. Asked anew each time: an agreement may end."""

    def myself(self, tenant: Tenant) -> Partner | None:
        """The institution itself; None where it is disabled."""

    def of(self, tenant: Tenant) -> Sequence[Partner]:
        """Those that it has agreed with, and that have agreed with it."""


def organization(partner: Partner) -> Tree:
    """The Organization that stands for an institution in the directory of another one."""
    return {
        "resourceType": "Organization",
        "id": f"{_PREFIX}{partner.name}",
        "identifier": [{"system": SYSTEM, "value": partner.name}],
        "active": True,
        "name": partner.title,
    }
