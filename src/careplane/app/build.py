"""Who gets what: the whole of Careplane, wired once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from careplane.access.caller import Caller
from careplane.access.people.people import People
from careplane.access.scopes import parse_scopes
from careplane.access.smart.tokens import Tokens
from careplane.access.tenants.institution import FIRST
from careplane.app.answering import answering
from careplane.app.auditing import Auditing
from careplane.app.authorizing import Authorizing
from careplane.app.background import Background
from careplane.app.dispatch import App
from careplane.app.featuring import features
from careplane.app.founding import founded
from careplane.app.ledgering import Ledgering
from careplane.app.operations.tally import Snapshot, Tally
from careplane.app.operations.tracing import Tracing, Untraced
from careplane.app.operations.traffic import Traffic
from careplane.app.packaging import Packaging
from careplane.app.peopling import sweeping
from careplane.app.settings import Settings
from careplane.app.tenancy.usage import Usage
from careplane.app.tenancy.wiring import Tenancy
from careplane.app.workers import Workers
from careplane.interop.subscriptions.rooms import Rooms
from careplane.records.break_glass import BreakGlass
from careplane.records.door import Door
from careplane.records.erase import Erasing
from careplane.records.jobs.runner import Runner
from careplane.records.parts import Parts
from careplane.records.resealing import Resealing
from careplane.storage.ports.engine import Engine
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore
from careplane.telehealth.scheduling.desk import Desk
from careplane.telehealth.visits.visits import Visits
from careplane.terminology.releases import Releases

TENANT = FIRST
OPERATOR = Caller(
    TENANT, "client/operator", "Operator", parse_scopes("system/*.cruds system/Patient.purge")
)
"""Whoever can read the key file: the command line acts as this caller, and is audited as it."""


@dataclass(frozen=True, slots=True)
class Careplane:
    """One installation, open. Use it from one event loop, and close it."""

    store: Engine
    door: Door
    tokens: Tokens
    asgi: App
    workers: Workers
    state: StateStore
    background: Background
    traffic: Traffic
    tally: Tally
    subscriptions: Rooms
    runner: Runner
    tracing: Tracing | Untraced
    authorizing: Authorizing
    ledger: Ledgering
    parts: Parts
    erasing: Erasing
    tenancy: Tenancy
    usage: Usage
    auditing: Auditing
    glass: BreakGlass
    people: People
    packaging: Packaging
    releases: Releases
    desk: Desk
    visits: Visits
    operator: Caller = OPERATOR

    def resealing_of(self, tenant: Tenant) -> Resealing:
        """Brings the bodies of a tenant under current keys."""
        return Resealing(self.parts, self.store.keeper, self.state, tenant)

    async def operator_of(self, name: str) -> Caller:
        """Whom the command line acts as at an institution; at the first where none is named. Raises
        NotFound."""
        return replace(self.operator, tenant=(await self.tenancy.named(name)).tenant)

    async def warm(self) -> None:
        """Start the processes that this one will need, so that no request waits for them."""
        await asyncio.gather(self.store.warm(), self.workers.warm(), self.subscriptions.warm())

    async def snapshot(self) -> Snapshot:
        """What this process has counted, and how it stands."""
        vitals = await self.store.vitals()
        leads, draining = self.background.leads, self.traffic.draining
        names = {one.number: one.name for one in self.tenancy.known.all()}
        return self.tally.snapshot(vitals, names, leads=leads, draining=draining)

    async def close(self) -> None:
        """Finish what was accepted and let go of the files."""
        await self.background.stop()
        await self.authorizing.standing.close()
        await self.tenancy.known.close()
        await self.usage.close()
        await self.people.changes.close()
        await self.subscriptions.close()
        await self.visits.close()
        await self.runner.close()
        await self.ledger.close()
        await self.packaging.close()
        await self.releases.close()
        await self.store.close()
        await self.state.close()
        await asyncio.to_thread(self.tracing.close)


def build(settings: Settings, *, for_long: bool = False, forgiving: bool = False) -> Careplane:
    """Open a data folder; `for_long` where much will be written, `forgiving` to erase again. Raises
    NotFound where it has no key, Fault where it cannot be read."""
    on = founded(settings, for_long=for_long, forgiving=forgiving)
    has = features(on)
    return Careplane(
        on.store,
        on.door,
        has.authorized.tokens,
        answering(on, has),
        on.workers,
        on.state,
        Background(
            on.state,
            on.clock,
            (
                has.runner.run,
                on.tenants.subscribing(on.subscribed),
                has.authorized.sweep,
                *((on.ledger.serve,) if on.ledger.is_on else ()),
                on.tenants.resealing(on.parts, on.store.keeper, on.state),
                on.tenants.retaining(on.parts, on.state),
                sweeping(has.peopled, on.tenants.numbers),
                has.planned.service,
                has.talked.service,
                has.visits.sweep,
                has.shared.desk.shares.sweep,
                *has.audits.services,
            ),
        ),
        on.traffic,
        on.tally,
        on.subscribed,
        has.runner,
        on.traced,
        has.authorized,
        on.ledger,
        on.parts,
        on.destroying,
        on.tenants,
        Usage(on.tally.by_tenant, on.state, on.clock),
        has.audits,
        has.glass,
        has.peopled,
        on.packaging,
        on.releases,
        has.planned.desk,
        has.visits,
    )
