"""What an installation stands on, wired: its stores, what its codes mean, who may what, and the
door over all of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from careplane.access.decide import Decider
from careplane.access.fresh import Fresh
from careplane.app import engines, keys
from careplane.app.consenting import consents, labelling
from careplane.app.erasing import Outputs, erasing
from careplane.app.keys import Keys
from careplane.app.ledgering import Ledgering
from careplane.app.operations import tracing
from careplane.app.operations.tally import Tally
from careplane.app.operations.tracing import Tracing, Untraced
from careplane.app.operations.traffic import Traffic
from careplane.app.packaging import Packaging
from careplane.app.peopling import fresh_of
from careplane.app.policing import decider_of, studies_of
from careplane.app.scanning import scanner_of
from careplane.app.settings import Settings
from careplane.app.subscribing import subscriptions
from careplane.app.tasking import tasks_kept
from careplane.app.tenancy.room import Room
from careplane.app.tenancy.wiring import Tenancy, tenancy
from careplane.app.terming import terming
from careplane.app.workers import Workers
from careplane.care.forms.own import ADMISSIONS as FORMS
from careplane.care.forms.own import KEEPS as FORMS_KEPT
from careplane.care.notes.keeping import KEEPS as NOTES
from careplane.fhir.analytes import concept_map
from careplane.interop.subscriptions.rooms import Rooms
from careplane.kernel.clock import Clock, system_clock
from careplane.kernel.ids import new_id, secret_id
from careplane.ledger.trail import Trail
from careplane.records import walk
from careplane.records.admission import each
from careplane.records.audits.overlay import WithTrail
from careplane.records.definitions import Definitions
from careplane.records.door import Door
from careplane.records.erase import Erasing
from careplane.records.jobs.book import Book
from careplane.records.parts import Announce, Parts
from careplane.records.profiles.holding import Profiles
from careplane.records.profiles.policy import parse as profile_policy
from careplane.records.reindex import Reindexes
from careplane.records.vocabulary import Index, Terms
from careplane.rest.addressing import ROOT, Addressing
from careplane.search.extract import extract as extract_r4
from careplane.search.registry import Registry, r4_registry
from careplane.search.rows import Rows
from careplane.search.wording import extract_with_words
from careplane.storage.ports.engine import Engine
from careplane.storage.ports.records import Tenant, Version
from careplane.storage.ports.state import StateStore
from careplane.telehealth.messages.admission import KEEPS as MESSAGES
from careplane.telehealth.scheduling.admission import ADMISSIONS
from careplane.terminology.core import CoreLibrary
from careplane.terminology.grammatical import GrammarLibrary
from careplane.terminology.library import Shelves
from careplane.terminology.packaged import PackageLibrary
from careplane.terminology.releases import Releases
from careplane.terminology.resources import Resources


@dataclass(frozen=True, slots=True)
class Founded:
    """Open, with its door; nothing is offered yet."""

    settings: Settings
    key: Keys
    clock: Clock
    store: Engine
    state: StateStore
    workers: Workers
    tally: Tally
    traffic: Traffic
    traced: Tracing | Untraced
    addressing: Addressing
    fresh: Fresh
    tenants: Tenancy
    decider: Decider
    subscribed: Rooms
    book: Book
    registry: Registry
    definitions: Definitions
    packaging: Packaging
    releases: Releases
    codes: Shelves
    profiles: Profiles
    ledger: Ledgering
    trail: Trail
    parts: Parts
    outputs: Outputs
    destroying: Erasing
    door: Door


def founded(settings: Settings, *, for_long: bool, forgiving: bool) -> Founded:
    """Over a data folder; raises what `build` does."""
    key, clock = keys.load(settings.data), system_clock
    packaging = Packaging(settings, key, clock)
    releases = terming(settings, key)
    registry = r4_registry().with_full_text() if settings.full_text else r4_registry()
    extract = extract_with_words if settings.full_text else extract_r4
    store = engines.records(settings, key, clock, for_long=for_long, forgiving=forgiving)
    state = engines.state(settings, key)
    base = settings.base_url.rstrip("/") + ROOT if settings.base_url else ""
    workers = Workers(full_text=settings.full_text)
    tally, traffic = Tally(), Traffic()
    fresh = fresh_of(settings, clock)
    traced = tracing.opened(os.environ if for_long else {})
    addressing = Addressing(settings.base_url, settings.trust_proxy)
    tenants = tenancy(settings, state, clock, addressing)
    patients = consents(settings, store, clock, tenants.base_of)
    decider = decider_of(settings, tenants.known, patients)
    subscribed = subscriptions(
        settings, key, state, tenants.told_of, registry, extract, clock, decider.view
    )
    book = Book(state, clock, secret_id)
    definitions = Definitions(
        store,
        state,
        clock,
        registry,
        extract,
        workers.accepting,
        partial(walk.progress, book),
    )
    packaged = PackageLibrary(lambda: packaging.packages)
    molar = Resources((concept_map(),))
    codes = Shelves(releases, packaged, CoreLibrary(), GrammarLibrary(), molar)
    terms = Terms(Index(store), codes, state, releases.named)
    profiles = Profiles(lambda: packaging.packages, tenants.held_to, terms, store, clock)
    profile_policy(settings.profiles)  # what is wrong with it is said at the start
    ledger = Ledgering(settings, key, store, tenants.numbers, clock)
    trail = Trail(store)
    parts = Parts(
        WithTrail(store, trail, extract_r4),
        store,
        decider,
        registry,
        extract,
        clock,
        new_id,
        base=base,
        base_of=tenants.base_of,
        room=Room(tenants.known, store.counts, clock).require,
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
    return Founded(
        settings,
        key,
        clock,
        store,
        state,
        workers,
        tally,
        traffic,
        traced,
        addressing,
        fresh,
        tenants,
        decider,
        subscribed,
        book,
        registry,
        definitions,
        packaging,
        releases,
        codes,
        profiles,
        ledger,
        trail,
        parts,
        outputs,
        destroying,
        door,
    )


def _each(*listeners: Announce) -> Announce:
    def announce(tenant: Tenant, versions: Sequence[Version], rows: Sequence[Rows]) -> None:
        for listener in listeners:
            listener(tenant, versions, rows)

    return announce
