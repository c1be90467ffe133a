"""The port to the audit trail: append, and read back in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from careplane.storage.ports.records import Tenant


class AuditStore(Protocol):
    """Compact audit records, as bytes that `ledger.audit` wrote."""

    async def append(self, tenant: Tenant, record: bytes) -> None:
        """Returns when the record outlives a kill of this process. Raises `Busy` or `Fault`, and
        then the answer that it speaks of must not leave."""

    async def tail(
        self, tenant: Tenant, after: int = 0, count: int = 1000
    ) -> Sequence[tuple[int, bytes]]:
        """Records in order of sequence number, those of units of work included, after `after`.

        The order never changes. Appended records keep theirs, and so do units of work; the two may
        stand a little earlier or later against each other than they were made."""
