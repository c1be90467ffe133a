"""What the door is made of: everything it asks of others, handed in by `app.build`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

from careplane.access.caller import Caller
from careplane.access.decide import Decider
from careplane.access.deidentify.pseudonyms import Pseudonyms
from careplane.access.fresh import Fresh, unasked
from careplane.access.labels.labelling import Labelling
from careplane.fhir.analytes import Masses, built_in
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Unsupported
from careplane.kernel.ids import NewId
from careplane.kernel.steps import Step, unwatched
from careplane.records.admission import Admit, Keep
from careplane.records.bodies import AcceptMany, Content, Extract, accept, accepting, rows_of
from careplane.records.profiles.holding import Profiles
from careplane.records.scanning import Scanner
from careplane.records.veil.registry import shown
from careplane.records.veil.store import VeiledStore
from careplane.records.veil.study import Study
from careplane.records.veil.veil import Veil
from careplane.records.veil.veiled import truth
from careplane.records.vocabulary import Terms
from careplane.search.code_sets import NOTHING_ASKED, CodeSets
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


Forget: TypeAlias = Callable[[Tenant, Sequence[tuple[str, str, int]]], Awaitable[None]]
"""Told of versions (type, id, number) before they are removed for good; may raise Busy."""


async def nobody_remembers(tenant: Tenant, versions: Sequence[tuple[str, str, int]]) -> None:
    """A Forget for a house without a ledger."""


class Definitions(Protocol):
    """The search parameters that tenants have defined; see `records.definitions`."""

    def at_hand(self, tenant: Tenant, now: int) -> Parts | None:
        """As `renewed`, where nothing has to be looked up; else None."""

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
    """`extract` makes index rows of a validated resource; `announce` is told of versions after they
    are durable and must not fail; `base` is the address of this server, by which absolute
    references to its own resources are known, and `base_of` that of a tenant; `accept_many`
    validates the resources of Bundles, for instance in another process; `admissions` are asked
    before resources of their type are written, `keeps` before they come, change or go; `room`
    raises Exceeded for a tenant that may store no more; `step` is told of the steps of a write;
    `forget` of versions that go; `labels` labels what is written; `fresh` asks people for a fresh
    proof of who they are; `scanner` looks through the files in what is written; `terms` is what
    codes are looked up in, `code_sets` is what a search was told of it, `profiles` holds resources
    against profiles. `definitions` are those that tenants have made; where they are known,
    `defined` is their epoch, `codes` are the parameters, `masses` are what moles weigh, and
    `stored` makes every row that a stored resource may have. Where the caller does not see
    everything, `veil` is theirs, `store` and `registry` are what they see, `beneath` are these
    parts without it, and `studies` has the pseudonyms of a study."""

    store: RecordStore
    audit: AuditStore
    decider: Decider
    registry: Registry
    extract: Extract
    clock: Clock
    new_id: NewId
    base: str = ""
    base_of: Callable[[Tenant], str] | None = None
    room: Callable[[Tenant], None] | None = None
    announce: Announce = nobody_listens
    accept_many: AcceptMany | None = None
    step: Step = unwatched
    admissions: Mapping[str, Admit] = field(default_factory=dict)
    keeps: Mapping[str, Keep] = field(default_factory=dict)
    definitions: Definitions | None = None
    defined: int | None = None
    codes: frozenset[str] = frozenset()
    masses: Callable[[], Masses] = built_in
    stored: Extract | None = None
    forget: Forget = nobody_remembers
    veil: Veil | None = None
    beneath: Parts | None = None
    studies: Callable[[str], Pseudonyms] | None = None
    labels: Labelling | None = None
    fresh: Fresh = unasked
    terms: Terms | None = None
    code_sets: CodeSets = NOTHING_ASKED
    profiles: Profiles | None = None
    scanner: Scanner | None = None

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

    def links(self, version: Version) -> Rows:
        """The rows by which a version leads to others, as far as the caller sees them. Those of a
        veiled version are made of the true one, since what is left of it may lack what must be
        there."""
        rows = rows_of(self.extract, truth(version))
        if self.veil is None:
            return rows
        offered = self.registry.of(version.type)
        seen = frozenset(param for one in offered for param in (one.param, *one.union))
        return Rows(
            references=[row for row in rows.references if row.param in seen],
            uris=[row for row in rows.uris if row.param in seen],
        )

    def at_hand(self, caller: Caller) -> Parts | None:
        """These parts `of` the caller's tenant, where nothing has to be looked up for that and the
        caller sees everything; else None. Most requests are served by this."""
        decider, tenant, now = self.decider, caller.tenant, self.clock()
        if decider.view(caller) is not None or not decider.is_fresh(tenant, now):
            return None
        return self.definitions.at_hand(tenant, now) if self.definitions else self

    async def of(self, tenant: Tenant) -> Parts:
        """These parts with the definitions of a tenant, and its Consents known."""
        await self.decider.fresh(tenant)
        return self if self.definitions is None else await self.definitions.renewed(self, tenant)

    def seen_by(self, caller: Caller) -> Parts:
        """These parts as far as a caller sees what is in them: the same for one who sees all."""
        view = self.decider.view(caller)
        if view is None:
            return self
        registry = shown(self.registry, view)
        study = self._study(view.study, registry) if view.study else None
        veil = Veil(view, self.plain.store, caller.tenant, study)
        return replace(self, store=VeiledStore(veil), registry=registry, veil=veil, beneath=self)

    def _study(self, name: str, registry: Registry) -> Study:
        if self.studies is None:
            raise Unsupported("This server has no key for the pseudonyms of a study.")
        return Study(self.studies(name), registry, self.clock(), self.base)

    @property
    def plain(self) -> Parts:
        """These parts with the store itself, to write to and to judge rights by. What is found by
        it and leaves is veiled at the door (`veil.leaving`)."""
        return self if self.veil is None else replace(self, store=self.veil.store)

    def setting(self) -> Setting:
        """What a search is read with, now."""
        return Setting(self.registry, self.base, self.clock(), self.code_sets, masses=self.masses)
