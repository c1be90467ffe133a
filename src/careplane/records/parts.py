"""What the door is made of: everything it asks of others, handed in by `app.build`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from careplane.access.decide import Decider
from careplane.kernel.clock import Clock
from careplane.kernel.ids import NewId
from careplane.kernel.steps import Step, unwatched
from careplane.records.admission import Admit
from careplane.records.bodies import AcceptMany, Content, Extract, accept, accepting
from careplane.search.criterion import Setting
from careplane.search.registry import Registry
from careplane.search.rows import Rows
from careplane.storage.ports.audit import AuditStore
from careplane.storage.ports.records import RecordStore, Tenant, Version

Announce: TypeAlias = Callable[[Tenant, Sequence[Version], Sequence[Rows]], None]
"""Told of versions, and of the rows of each, after they are durable."""


def nobody_listens(tenant: Tenant, versions: Sequence[Version], rows: Sequence[Rows]) -> None:
    """An Announce for a house without subscribers."""


@dataclass(frozen=True, slots=True)
class Parts:
    """`extract` makes index rows of a validated resource; `announce` is told of versions after
    they are durable and must not fail; `base` is the address of this server, by which absolute
    references to its own resources are known; `accept_many` validates the resources of Bundles,
    for instance in another process; `admissions` are asked before resources of their type are
    written; `step` is told of the steps of a write."""

    store: RecordStore
    audit: AuditStore
    decider: Decider
    registry: Registry
    extract: Extract
    clock: Clock
    new_id: NewId
    base: str = ""
    announce: Announce = nobody_listens
    accept_many: AcceptMany | None = None
    step: Step = unwatched
    admissions: Mapping[str, Admit] = field(default_factory=dict)

    def accept(self, raw: bytes, type: str) -> Content:
        """Validate and index one resource. Raises Malformed or Invalid with every problem."""
        return accept(self.extract, raw, type, self.step)

    @property
    def accepts(self) -> AcceptMany:
        """How the resources of a Bundle are accepted."""
        return self.accept_many or accepting(self.extract)

    def setting(self) -> Setting:
        """What a search is read with, now."""
        return Setting(self.registry, self.base, self.clock())
