"""Who gets what: the whole of Careplane, wired once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from careplane.access.caller import Caller
from careplane.access.people.people import People
from careplane.access.scopes import parse_scopes
from careplane.access.smart.tokens import Tokens
from careplane.access.tenants.institution import FIRST
from careplane.app import engines, keys
from careplane.app.auditing import Auditing, auditing, documented, sees_all
from careplane.app.authorizing import Authorizing, authorizing, joined, security, sessions_of
from careplane.app.background import Background
from careplane.app.bulk import bulk_of
from careplane.app.caring import forms_of, prescribing_of
from careplane.app.consenting import break_glass, consents, labelling
from careplane.app.demo.roles import roles
from careplane.app.dispatch import App, dispatch, when_asked
from careplane.app.erasing import Outputs, erasing
from careplane.app.ledgering import Ledgering
from careplane.app.mcp import mcp_apps
from careplane.app.operations import health, tracing
from careplane.app.operations.health import Health
from careplane.app.operations.pages import watched
from careplane.app.operations.tally import Snapshot, Tally
from careplane.app.operations.tracing import Tracing, Untraced
from careplane.app.operations.traffic import Traffic
from careplane.app.packaging import Packaging
from careplane.app.peopling import fresh_of, peopling, sweeping
from careplane.app.policing import decider_of, studies_of
from careplane.app.scanning import scanner_of
from careplane.app.scheduling import scheduling
from careplane.app.settings import Settings
from careplane.app.sharing import sharing
from careplane.app.speaking import zone_of
from careplane.app.subscribing import subscriptions
from careplane.app.talking import talking
from careplane.app.tasking import tasks_kept
from careplane.app.tenancy.partners import Agreements
from careplane.app.tenancy.room import Room
from careplane.app.tenancy.usage import Usage
from careplane.app.tenancy.wiring import Tenancy, tenancy
from careplane.app.terming import terming
from careplane.app.visiting import visiting
from careplane.app.workers import Workers
from careplane.care.forms.operations import Operations as FormOperations
from careplane.care.forms.own import ADMISSIONS as FORMS
from careplane.care.forms.own import KEEPS as FORMS_KEPT
from careplane.care.notes.keeping import KEEPS as NOTES
from careplane.care.prescribing.operation import Operations as PrescribingOperations
from careplane.fhir.analytes import concept_map
from careplane.interop.subscriptions import sockets
from careplane.interop.subscriptions.rooms import Rooms
from careplane.kernel.clock import system_clock
from careplane.kernel.ids import new_id, secret_id
from careplane.ledger.server import PREFIX as LEDGER
from careplane.ledger.trail import Trail
from careplane.records import walk
from careplane.records.admission import each
from careplane.records.audits.overlay import WithTrail
from careplane.records.break_glass import BreakGlass
from careplane.records.definitions import Definitions
from careplane.records.door import Door
from careplane.records.erase import Erasing
from careplane.records.jobs.book import Book
from careplane.records.jobs.runner import Runner
from careplane.records.parts import Announce, Parts
from careplane.records.profiles.holding import Profiles
from careplane.records.profiles.policy import parse as profile_policy
from careplane.records.reindex import Reindexes
from careplane.records.reindexing import Reindexer
from careplane.records.resealing import Resealing
from careplane.records.vocabulary import Index, Terms
from careplane.rest import later
from careplane.rest.addressing import ROOT, Addressing
from careplane.rest.app import Fhir
from careplane.rest.interactions import accounting, graphql, receipt
from careplane.rest.interactions.break_glass import Emergencies
from careplane.rest.interactions.capabilities import Capabilities
from careplane.rest.later import Later
from careplane.rest.links import Pages
from careplane.rest.oauth.application import PATHS
from careplane.rest.offered import OPERATIONS as REST_OPERATIONS
from careplane.rest.openapi import OpenApi
from careplane.rest.openapi.serve import serve
from careplane.rest.service import Service
from careplane.search.extract import extract as extract_r4
from careplane.search.registry import r4_registry
from careplane.search.rows import Rows
from careplane.search.wording import extract_with_words
from careplane.storage.ports.engine import Engine
from careplane.storage.ports.records import Tenant, Version
from careplane.storage.ports.state import StateStore
from careplane.telehealth.messages.admission import KEEPS as MESSAGES
from careplane.telehealth.scheduling.admission import ADMISSIONS
from careplane.telehealth.scheduling.desk import Desk
from careplane.telehealth.visits.operations import Operations as VisitOperations
from careplane.telehealth.visits.sockets import PATH as VISITS
from careplane.telehealth.visits.visits import Visits
from careplane.terminology.core import CoreLibrary
from careplane.terminology.grammatical import GrammarLibrary
from careplane.terminology.library import Shelves
from careplane.terminology.packaged import PackageLibrary
from careplane.terminology.releases import Releases
from careplane.terminology.resources import Resources

TENANT = FIRST
OPERATOR = Caller(
    TENANT, "client/operator", "Operator", parse_scopes("system/*.cruds system/Patient.purge")
)
"""Whoever can read the key file: the command line acts as this caller, and is audited as it."""
OPERATIONS = (
    *REST_OPERATIONS,
    *graphql.operations(system_clock),
    *accounting.operations(system_clock),
)


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
    key = keys.load(settings.data)
    packaging = Packaging(settings, key, system_clock)
    releases = terming(settings, key)
    registry = r4_registry().with_full_text() if settings.full_text else r4_registry()
    extract = extract_with_words if settings.full_text else extract_r4
    store = engines.records(settings, key, system_clock, for_long=for_long, forgiving=forgiving)
    state = engines.state(settings, key)
    base = settings.base_url.rstrip("/") + ROOT if settings.base_url else ""
    workers = Workers(full_text=settings.full_text)
    tally, traffic = Tally(), Traffic()
    fresh = fresh_of(settings, system_clock)
    traced = tracing.opened(os.environ if for_long else {})
    addressing = Addressing(settings.base_url, settings.trust_proxy)
    tenants = tenancy(settings, state, system_clock, addressing)
    patients = consents(settings, store, system_clock, tenants.base_of)
    decider = decider_of(settings, tenants.known, patients)
    subscribed = subscriptions(
        settings, key, state, tenants.told_of, registry, extract, system_clock, decider.view
    )
    book = Book(state, system_clock, secret_id)
    definitions = Definitions(
        store,
        state,
        system_clock,
        registry,
        extract,
        workers.accepting,
        partial(walk.progress, book),
    )
    packaged = PackageLibrary(lambda: packaging.packages)
    molar = Resources((concept_map(),))
    codes = Shelves(releases, packaged, CoreLibrary(), GrammarLibrary(), molar)
    terms = Terms(Index(store), codes, state, releases.named)
    profiles = Profiles(lambda: packaging.packages, tenants.held_to, terms, store, system_clock)
    profile_policy(settings.profiles)  # what is wrong with it is said at the start
    ledger = Ledgering(settings, key, store, tenants.numbers, system_clock)
    trail = Trail(store)
    parts = Parts(
        WithTrail(store, trail, extract_r4),
        store,
        decider,
        registry,
        extract,
        system_clock,
        new_id,
        base=base,
        base_of=tenants.base_of,
        room=Room(tenants.known, store.counts, system_clock).require,
        announce=_each(tally.wrote, subscribed.announced),
        accept_many=workers.accepting(extract),
        admissions=subscribed.admissions | ADMISSIONS | FORMS,
        keeps=each(NOTES, MESSAGES, FORMS_KEPT, tasks_kept(decider)),
        step=traced.step,
        definitions=definitions,
        forget=ledger.forget,
        studies=studies_of(key),
        labels=labelling(settings),
        fresh=fresh,
        terms=terms,
        profiles=profiles,
        scanner=scanner_of(settings),
    )
    outputs = Outputs()
    destroying = erasing(store.keeper, outputs, ledger=ledger.is_on)
    door = Door(parts, Reindexes(definitions, book), destroying)
    subscribed.open(door)
    visits = visiting(settings, key, state, door, system_clock)
    agreed = Agreements(tenants.known)
    shared = sharing(settings, key, state, door, system_clock, addressing, agreed)
    filled = forms_of(door, system_clock)
    audits = auditing(settings, trail, door, state, tenants, system_clock)
    peopled = peopling(settings, key, state, door, system_clock, tenants)
    is_here = tenants.here.is_here
    people = sessions_of(settings, key, TENANT, system_clock, peopled, is_here)
    authorized = authorizing(settings, key, state, system_clock, people, is_here=is_here)
    tokens = authorized.tokens
    joined(peopled, authorized)
    glass = break_glass(settings, state, tokens, system_clock, new_id, fresh)
    bulk = bulk_of(settings, key, door, book, tokens.resolve, addressing)
    planned = scheduling(settings, door, state, system_clock, tenants, addressing)
    talked = talking(settings, door, state, system_clock, tenants)
    reindexer = Reindexer(store, definitions, system_clock)
    runner = Runner(book, system_clock, (later.KIND, reindexer.kind, *bulk.kinds))
    outputs.of(runner, shared.desk.shares)
    given = ledger.receipt if ledger.is_on else None
    prescribing = prescribing_of(door, system_clock)
    operations = (
        *OPERATIONS,
        *Emergencies(glass, tokens).offered(),
        *bulk.operations,
        *subscribed.offered(),
        *receipt.operations(given),
        *planned.operations,
        *VisitOperations(visits).offered(),
        *shared.operations,
        *talked.operations,
        *PrescribingOperations(prescribing).offered(),
        *FormOperations(filled).offered(),
    )
    fhir = Fhir(
        Service(door, Pages(key.derive("cursors")), settings.max_body_bytes, receipt=given),
        tokens.resolve,
        Capabilities(
            registry,
            operations,
            system_clock(),
            documented(subscribed.capabilities),
            current=definitions.registry,
            security=security(addressing),
            supported=profiles.supported,
        ),
        operations,
        addressing,
        traced.also(tally.saw),
        Later(runner, book, system_clock, settings.max_body_bytes),
        codes,
    )
    api = OpenApi(registry, operations, ROOT)
    taken = Tokens(key.derive("sessions"), system_clock, is_here=is_here)
    seats = taken if settings.demo else tokens
    emergencies = break_glass(settings, state, seats, system_clock, new_id, fresh)
    zone = zone_of(settings)

    def pages() -> App:
        from careplane.app.charting import clinic_of, documents_of, notes_of
        from careplane.app.patients import portal
        from careplane.web.routes import application
        from careplane.web.visit import Audits, Web

        web = Web(
            door,
            seats,
            roles(TENANT) if settings.demo else (),
            system_clock,
            settings.base_url.startswith("https://"),
            Audits(audits.looking, audits.reviews, partial(sees_all, decider)),
            emergencies,
            authorized.apps(addressing),
            peopled,
            authorized.registrar,
            visits,
            addressing,
            lambda: packaging.packages,
            documents=documents_of(settings, door, system_clock),
            zone=zone,
            sharing=shared.desk,
            talk=talked.talk,
            desk=planned.desk,
            feeds=planned.calendars,
            notes=notes_of(settings, key, door, system_clock, fresh),
            portal=portal(settings, door, planned, system_clock, codes),
            clinic=clinic_of(door, system_clock, prescribing),
            drafts=key.derive("drafts"),
            forms=filled,
        )
        return application(web)

    others: dict[str, App] = {"/openapi.json": serve(api), bulk.prefix: bulk.files}
    others[planned.prefix] = planned.feeds
    others |= shared.apps
    others |= dict.fromkeys(health.PATHS, _health(store, traffic))
    others |= {LEDGER: ledger.app()} if ledger.is_on else {}
    others |= mcp_apps(settings, key, door, tokens.resolve, addressing, tally.saw)
    others |= dict.fromkeys(PATHS, authorized.endpoints(door, addressing, system_clock))
    return Careplane(
        store,
        door,
        tokens,
        tenants.entrance(
            dispatch(
                traced.requests(fhir),
                watched(when_asked(pages), tally.saw),
                others,
                {sockets.PATH: subscribed.sockets, VISITS: visits.sockets},
            ),
            door,
        ),
        workers,
        state,
        Background(
            state,
            system_clock,
            (
                runner.run,
                tenants.subscribing(subscribed),
                authorized.sweep,
                *((ledger.serve,) if ledger.is_on else ()),
                tenants.resealing(parts, store.keeper, state),
                tenants.retaining(parts, state),
                sweeping(peopled, tenants.numbers),
                planned.service,
                talked.service,
                visits.sweep,
                shared.desk.shares.sweep,
                *audits.services,
            ),
        ),
        traffic,
        tally,
        subscribed,
        runner,
        traced,
        authorized,
        ledger,
        parts,
        destroying,
        tenants,
        Usage(tally.by_tenant, state, system_clock),
        audits,
        glass,
        peopled,
        packaging,
        releases,
        planned.desk,
        visits,
    )


def _each(*listeners: Announce) -> Announce:
    def announce(tenant: Tenant, versions: Sequence[Version], rows: Sequence[Rows]) -> None:
        for listener in listeners:
            listener(tenant, versions, rows)

    return announce


def _health(store: Engine, traffic: Traffic) -> Health:
    checks = {"store": lambda: store.counts(TENANT), "writer": store.warm, "room": store.room}
    return Health(checks, traffic)
