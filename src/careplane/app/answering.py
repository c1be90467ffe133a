"""What answers at which address, wired: FHIR, pages, and what has an address of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from careplane.access.smart.tokens import Tokens
from careplane.access.tenants.institution import FIRST
from careplane.app.auditing import documented, sees_all
from careplane.app.authorizing import security
from careplane.app.consenting import break_glass
from careplane.app.demo.roles import roles
from careplane.app.dispatch import App, dispatch, when_asked
from careplane.app.featuring import Features
from careplane.app.founding import Founded
from careplane.app.mcp import mcp_apps
from careplane.app.operations import health
from careplane.app.operations.health import Health
from careplane.app.operations.pages import watched
from careplane.app.operations.traffic import Traffic
from careplane.app.speaking import zone_of
from careplane.care.forms.operations import Operations as FormOperations
from careplane.care.prescribing.operation import Operations as PrescribingOperations
from careplane.interop.subscriptions import sockets
from careplane.kernel.clock import system_clock
from careplane.kernel.ids import new_id
from careplane.ledger.server import PREFIX as LEDGER
from careplane.rest.addressing import ROOT
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
from careplane.rest.operation import Operation
from careplane.rest.service import Receipt, Service
from careplane.storage.ports.engine import Engine
from careplane.telehealth.visits.operations import Operations as VisitOperations
from careplane.telehealth.visits.sockets import PATH as VISITS

OPERATIONS = (
    *REST_OPERATIONS,
    *graphql.operations(system_clock),
    *accounting.operations(system_clock),
)
"""Those that ask for no room above the door."""


def answering(on: Founded, has: Features) -> App:
    """Everything that is asked over HTTP, of every institution."""
    settings, key, door, tally = on.settings, on.key, on.door, on.tally
    given = on.ledger.receipt if on.ledger.is_on else None
    operations = _operations(on, has, given)
    fhir = Fhir(
        Service(door, Pages(key.derive("cursors")), settings.max_body_bytes, receipt=given),
        has.authorized.tokens.resolve,
        Capabilities(
            on.registry,
            operations,
            on.clock(),
            documented(on.subscribed.capabilities),
            current=on.definitions.registry,
            security=security(on.addressing),
            supported=on.profiles.supported,
        ),
        operations,
        on.addressing,
        on.traced.also(tally.saw),
        Later(has.runner, on.book, on.clock, settings.max_body_bytes),
        on.codes,
    )
    taken = Tokens(key.derive("sessions"), on.clock, is_here=on.tenants.here.is_here)
    seats = taken if settings.demo else has.authorized.tokens
    pages = partial(_pages, on, has, seats, zone_of(settings))
    return on.tenants.entrance(
        dispatch(
            on.traced.requests(fhir),
            watched(when_asked(pages), tally.saw),
            _others(on, has, operations),
            {sockets.PATH: on.subscribed.sockets, VISITS: has.visits.sockets},
        ),
        door,
    )


def _operations(on: Founded, has: Features, given: Receipt | None) -> tuple[Operation, ...]:
    return (
        *OPERATIONS,
        *Emergencies(has.glass, has.authorized.tokens).offered(),
        *has.bulk.operations,
        *on.subscribed.offered(),
        *receipt.operations(given),
        *has.planned.operations,
        *VisitOperations(has.visits).offered(),
        *has.shared.operations,
        *has.talked.operations,
        *PrescribingOperations(has.prescribing).offered(),
        *FormOperations(has.filled).offered(),
    )


def _pages(on: Founded, has: Features, seats: Tokens, zone: str) -> App:
    from careplane.app.charting import clinic_of, documents_of, notes_of
    from careplane.app.patients import portal
    from careplane.web.routes import application
    from careplane.web.visit import Audits, Web

    settings, key, door, fresh = on.settings, on.key, on.door, on.fresh
    web = Web(
        door,
        seats,
        roles(FIRST) if settings.demo else (),
        on.clock,
        settings.base_url.startswith("https://"),
        Audits(has.audits.looking, has.audits.reviews, partial(sees_all, on.decider)),
        break_glass(settings, on.state, seats, on.clock, new_id, fresh),
        has.authorized.apps(on.addressing),
        has.peopled,
        has.authorized.registrar,
        has.visits,
        on.addressing,
        lambda: on.packaging.packages,
        documents=documents_of(settings, door, on.clock),
        zone=zone,
        sharing=has.shared.desk,
        talk=has.talked.talk,
        desk=has.planned.desk,
        feeds=has.planned.calendars,
        notes=notes_of(settings, key, door, on.clock, fresh),
        portal=portal(settings, door, has.planned, on.clock, on.codes),
        clinic=clinic_of(door, on.clock, has.prescribing),
        drafts=key.derive("drafts"),
        forms=has.filled,
    )
    return application(web)


def _others(on: Founded, has: Features, operations: Sequence[Operation]) -> dict[str, App]:
    settings, key, door, resolve = on.settings, on.key, on.door, has.authorized.tokens.resolve
    api = OpenApi(on.registry, operations, ROOT)
    others: dict[str, App] = {"/openapi.json": serve(api), has.bulk.prefix: has.bulk.files}
    others[has.planned.prefix] = has.planned.feeds
    others |= has.shared.apps
    others |= dict.fromkeys(health.PATHS, _health(on.store, on.traffic))
    others |= {LEDGER: on.ledger.app()} if on.ledger.is_on else {}
    others |= mcp_apps(settings, key, door, resolve, on.addressing, on.tally.saw)
    others |= dict.fromkeys(PATHS, has.authorized.endpoints(door, on.addressing, on.clock))
    return others


def _health(store: Engine, traffic: Traffic) -> Health:
    checks = {"store": lambda: store.counts(FIRST), "writer": store.warm, "room": store.room}
    return Health(checks, traffic)
