"""Who exchanges referrals with whom: both have said so (`careplane tenant exchange`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from careplane.access.tenants.institution import Institution
from careplane.access.tenants.known import Tenants
from careplane.sharing.exchange.partner import Partner
from careplane.storage.ports.records import Tenant


@dataclass(frozen=True, slots=True)
class Agreements:
    """Of the institutions that are served now."""

    known: Tenants

    def myself(self, tenant: Tenant) -> Partner | None:
        found = self.known.by_number(tenant)
        return None if found is None else as_partner(found)

    def of(self, tenant: Tenant) -> Sequence[Partner]:
        mine = self.known.by_number(tenant)
        if mine is None:
            return ()
        return [
            as_partner(one) for one in self.known.all()
            if one.number in mine.exchanges and mine.number in one.exchanges and one is not mine
        ]  # fmt: skip


def as_partner(one: Institution) -> Partner:
    """An institution, for another one."""
    return Partner(one.tenant, one.name, one.title)
