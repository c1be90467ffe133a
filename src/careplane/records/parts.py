"""What the door is made of: everything it asks of others, handed in by `app.build`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from careplane.access.decide import Decider
from careplane.fhir.structs import Struct
from careplane.kernel.clock import Clock
from careplane.kernel.ids import NewId
from careplane.search.rows import Rows
from careplane.storage.ports.audit import AuditStore
from careplane.storage.ports.records import RecordStore, Tenant, Version

Extract: TypeAlias = Callable[[Struct], Rows]
Announce: TypeAlias = Callable[[Tenant, Sequence[Version]], None]


def nobody_listens(tenant: Tenant, versions: Sequence[Version]) -> None:
    """An Announce for a house without subscribers."""


@dataclass(frozen=True, slots=True)
class Parts:
    """`extract` makes index rows of a validated resource; `announce` is told of versions after
    they are durable and must not fail."""

    store: RecordStore
    audit: AuditStore
    decider: Decider
    extract: Extract
    clock: Clock
    new_id: NewId
    announce: Announce = nobody_listens
