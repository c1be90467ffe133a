"""A store as the composition root opens it: records and their audit trail in one place."""

from __future__ import annotations

from typing import Protocol

from careplane.storage.ports.audit import AuditStore
from careplane.storage.ports.keys import KeyKeeper
from careplane.storage.ports.records import RecordStore, Tenant
from careplane.storage.ports.sizes import Sizes
from careplane.storage.ports.vitals import Living


class Engine(RecordStore, AuditStore, Living, Protocol):
    """What every engine for real use is."""

    @property
    def keeper(self) -> KeyKeeper:
        """The keys of its bodies."""

    async def warm(self) -> None:
        """Start what will be needed, before it is."""

    async def check(self) -> list[str]:
        """Look for damage (minutes on a large store); what is wrong, in words."""

    async def sizes(self, tenant: Tenant) -> Sizes:
        """What a tenant takes up (seconds on a large store). Raises `Busy` where it takes too
        long."""
