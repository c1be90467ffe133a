"""What the door is made of: everything it asks of others, handed in by `app.build`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from careplane.access.decide import Decider
from careplane.access.labels.labelling import Labelling
from careplane.kernel.clock import Clock
from careplane.kernel.ids import NewId
from careplane.kernel.steps import Step, unwatched
from careplane.records.admission import Admit
from careplane.records.bodies import AcceptMany, Content, Extract, accept, accepting, rows_of
from careplane.search.criterion import Setting
from careplane.search.custom import Custom
from careplane.search.registry import Registry
from careplane.search.rows import Rows
from careplane.storage.ports.audit import AuditStore
from careplane.storage.ports.records import RecordStore, Tenant, Version

Announce: TypeAlias = Callable[[Tenant, Sequence[Version], Sequence[Rows]], None]
"""Told of versions, and of the rows of each, after they are durable."""


def nobody_listens(tenant: Tenant, versions: Sequence[Version], rows: Sequence[Rows]) -> None:
    """An Announce for a house without subscribers."""


class Definitions(Protocol):
    """The search parameters that tenants have defined; see `records.definitions`."""

    async def renewed(self, parts: Parts, tenant: Tenant) -> Parts:
        """The parts with the definitions of a tenant."""

    def forget(self, tenant: Tenant) -> None:
        """They have changed."""

    async def newest(self, tenant: Tenant) -> int:
        """The `t` of the newest definition, as it stands now."""

    async def writing(self, tenant: Tenant) -> None:
        """Rows are going to be written: without those of full-text search where that is off."""

    def check(self, tenant: Tenant, id: str, version: Version) -> tuple[Custom, ...]:
        """What a SearchParameter defines. Raises Invalid for one that cannot be offered."""


@dataclass(frozen=True, slots=True)
class Parts:
    """`extract` makes index rows of a validated resource; `announce` is told of versions after
    they are durable and must not fail; `base` is the address of this server, by which absolute
    references to its own resources are known; `accept_many` validates the resources of Bundles,
    for instance in another process; `admissions` are asked before resources of their type are
    written; `step` is told of the steps of a write. `definitions` are those that tenants have
    made; where they are known, `defined` is their epoch, `codes` are the parameters, and `stored`
    makes every row that a stored resource may have. `labels` labels what is written."""

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
    definitions: Definitions | None = None
    defined: int | None = None
    codes: frozenset[str] = frozenset()
    stored: Extract | None = None
    labels: Labelling | None = None

    def accept(self, raw: bytes, type: str) -> Content:
        """Validate and index one resource. Raises Malformed or Invalid with every problem."""
        return accept(self.extract, raw, type, self.step)

    @property
    def accepts(self) -> AcceptMany:
        """How the resources of a Bundle are accepted."""
        return self.accept_many or accepting(self.extract)

    def rows_stored(self, version: Version | None) -> Rows:
        """Every index row that a stored version may have."""
        return rows_of(self.stored or self.extract, version)

    async def of(self, tenant: Tenant) -> Parts:
        """These parts with the definitions of a tenant, and its Consents known."""
        await self.decider.fresh(tenant)
        return self if self.definitions is None else await self.definitions.renewed(self, tenant)

    def setting(self) -> Setting:
        """What a search is read with, now."""
        return Setting(self.registry, self.base, self.clock())
