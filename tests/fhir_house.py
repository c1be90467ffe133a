"""The application without its process: every room wired for tests, over an engine, with a client
that talks to it in this very process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import httpx

from careplane.access.caller import Caller
from careplane.access.consent.book import Books
from careplane.access.consent.consents import Consents
from careplane.access.consent.consents import House as Choices
from careplane.access.consent.data import Data
from careplane.access.decide import Decider
from careplane.access.deidentify.pseudonyms import Pseudonyms
from careplane.access.fresh import Fresh, unasked
from careplane.access.labels.labelling import Labelling
from careplane.access.policy.policies import Policies, load
from careplane.access.policy.relations import Relations, record_of
from careplane.access.scopes import parse_scopes
from careplane.access.smart.tokens import Tokens
from careplane.app.erasing import Outputs, erasing
from careplane.fhir.analytes import concept_map
from careplane.kernel.clock import Clock, system_clock
from careplane.kernel.ids import new_id, secret_id
from careplane.ledger.audit import AuditRecord, decode
from careplane.ledger.trail import Trail
from careplane.packages.packages import Packages
from careplane.records import walk
from careplane.records.admission import Keep
from careplane.records.audits.overlay import WithTrail
from careplane.records.bodies import accept, accepting
from careplane.records.break_glass import BreakGlass, Choice
from careplane.records.definitions import Definitions
from careplane.records.door import Door
from careplane.records.jobs.book import Book
from careplane.records.jobs.job import Job
from careplane.records.jobs.runner import Runner
from careplane.records.jobs.work import Work
from careplane.records.parts import Parts
from careplane.records.profiles.holding import Profiles
from careplane.records.profiles.policy import parse as parse_profiles
from careplane.records.reindex import Reindexes
from careplane.records.reindexing import Reindexer
from careplane.records.vocabulary import Index, Named, Terms
from careplane.rest.addressing import Addressing
from careplane.rest.app import Fhir
from careplane.rest.interactions import accounting, graphql
from careplane.rest.interactions.break_glass import Emergencies
from careplane.rest.interactions.capabilities import Capabilities
from careplane.rest.later import KIND, Later
from careplane.rest.links import Pages
from careplane.rest.offered import OPERATIONS as REST_OPERATIONS
from careplane.rest.operation import Operation
from careplane.rest.service import Service
from careplane.search.criterion import Setting
from careplane.search.extract import extract as extract_r4
from careplane.search.parse import criteria
from careplane.search.plan import Node
from careplane.search.registry import r4_registry
from careplane.search.rows import Rows
from careplane.search.wording import extract_with_words
from careplane.storage.engines.memory import MemoryPackages, MemoryState
from careplane.storage.ports.packages import PackageStore
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore
from careplane.terminology.core import CoreLibrary
from careplane.terminology.grammatical import GrammarLibrary
from careplane.terminology.library import Library, Shelves
from careplane.terminology.packaged import PackageLibrary
from careplane.terminology.resources import Resources
from tests.contracts.engines import Store

BASE = "http://hospital.test/fhir"
TENANT = Tenant(1)
REGISTRY = r4_registry()
LIMIT = 10_000_000
OPERATIONS = (
    *REST_OPERATIONS,
    *graphql.operations(system_clock),
    *accounting.operations(system_clock),
)


def _where(type: str, query: str) -> Node:
    return criteria(Setting(REGISTRY), type, query)


_compartment = record_of(REGISTRY, _where)
RELATIONS = Relations(REGISTRY, _where, _compartment)


def policies_with(more: Mapping[str, str] | None = None) -> Policies:
    """The ready roles and `more` files, read once. Raises Incorrect for a policy that cannot be
    used."""
    return _read(tuple(sorted((more or {}).items())))


@cache
def _read(more: tuple[tuple[str, str], ...]) -> Policies:
    return load(RELATIONS, more=dict(more))


DATA = Data(REGISTRY)


def decider(more: Mapping[str, str] | None = None, consents: Consents | None = None) -> Decider:
    """Decisions over the search parameters of R4, by the ready roles, `more` policies and the
    Consents."""
    policies = policies_with(more)
    return Decider(_where, _compartment, policies.restriction, policies.view, consents, "physician")


def studies(study: str) -> Pseudonyms:
    """The pseudonyms of a study, under a key of the tests."""
    return Pseudonyms(bytes(range(32)), study)


@dataclass
class House:
    """One installation. `http` speaks with all rights; jobs are done when it is told to."""

    store: Store
    state: StateStore
    book: Book
    runner: Runner
    reindexer: Reindexer
    door: Door
    tokens: Tokens
    app: Fhir
    http: httpx.AsyncClient
    glass: BreakGlass

    def caller(self, scopes: str, patient: str | None = None) -> Caller:
        return Caller(TENANT, "client/test", "Test", parse_scopes(scopes), patient)

    def client(self, scopes: str, patient: str | None = None) -> httpx.AsyncClient:
        """Another client, with these scopes."""
        return self.client_of(self.caller(scopes, patient))

    def client_of(self, caller: Caller) -> httpx.AsyncClient:
        """A client of this caller."""
        return client(self.app, self.tokens.issue(caller, 3600))

    async def put(self, resource: dict[str, Any]) -> httpx.Response:
        """Store a resource under its own id."""
        answer = await self.http.put(f"{resource['resourceType']}/{resource['id']}", json=resource)
        assert answer.status_code in (200, 201), answer.text
        return answer

    def rows(self, resource: dict[str, Any]) -> Rows:
        """The index rows of a resource of R4."""
        return accept(extract_r4, json.dumps(resource).encode(), resource["resourceType"]).rows

    async def work(self) -> bool:
        """Do all jobs that wait; whether there were any."""
        waited = bool(await self.book.queue())
        service = asyncio.create_task(self.runner.run())
        while await self.book.queue():
            await asyncio.sleep(0.01)
        service.cancel()
        await asyncio.gather(service, return_exceptions=True)
        return waited

    async def reindexing(self) -> Job:
        """The one job that waits."""
        ((tenant, id),) = [(one.tenant, one.id) for one in await self.book.queue()]
        job = await self.book.get(tenant, id)
        assert job is not None
        return job

    async def step(self, job: Job) -> None:
        """One step of a reindex, as whoever carries it out makes it."""
        further = await self.reindexer.step(job.tenant, walk.unpack(job.place))
        await Work(self.book, job, system_clock).save(walk.pack(further))

    async def audit(self, tenant: Tenant = TENANT) -> list[AuditRecord]:
        """The trail so far."""
        return [decode(record) for _, record in await self.store.tail(tenant, 0, 100_000)]

    async def stored(self) -> int:
        """How many resources there are."""
        return sum((await self.store.counts(TENANT)).values())


def client(app: Fhir, token: str) -> httpx.AsyncClient:
    """A client of the app, by its token."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url=BASE + "/",
        headers={"authorization": f"Bearer {token}", "content-type": "application/fhir+json"},
    )


@asynccontextmanager
async def open_house(
    store: Store,
    state: StateStore | None = None,
    *,
    full_text: bool = False,
    policies: Mapping[str, str] | None = None,
    consent: Choices | None = None,
    consents: bool = True,
    labels: Labelling | None = None,
    choice: Choice | None = None,
    clock: Clock = system_clock,
    fresh: Fresh = unasked,
    library: Library | None = None,
    named: Named | None = None,
    packages: PackageStore | None = None,
    profiles: Callable[[Tenant], str] = lambda tenant: "",
    more: Callable[[Door], tuple[Operation, ...]] = lambda door: (),
    keeps: Mapping[str, Keep] | None = None,
) -> AsyncIterator[House]:
    """Everything wired over an open store, as in one of the processes that share it; with `more`
    operations over its door."""
    state = state or MemoryState()
    known = Packages(packages or MemoryPackages(), clock)
    molar = Resources((concept_map(),))
    codes = Shelves(PackageLibrary(lambda: known), CoreLibrary(), GrammarLibrary(), molar)
    terms = Terms(Index(store), Shelves(library, codes) if library else codes, state, named)
    held = Profiles(lambda: known, lambda t: parse_profiles(profiles(t)), terms, store, clock)
    registry = REGISTRY.with_full_text() if full_text else REGISTRY
    extract = extract_with_words if full_text else extract_r4
    book = Book(state, system_clock, secret_id)
    definitions = Definitions(
        store,
        state,
        system_clock,
        registry,
        extract,
        lambda extract, customs: accepting(extract),
        partial(walk.progress, book),
    )
    patients = Consents(Books(store, clock, lambda tenant: BASE), DATA, consent or Choices())
    parts = Parts(
        WithTrail(store, Trail(store), extract_r4),
        store,
        decider(policies, patients if consents else None),
        registry,
        extract,
        system_clock,
        new_id,
        base=BASE,
        definitions=definitions,
        studies=studies,
        labels=labels,
        fresh=fresh,
        terms=terms,
        profiles=held,
        keeps=keeps or {},
    )
    outputs = Outputs()
    keeper = getattr(store, "keeper", None)
    destroying = None if keeper is None else erasing(keeper, outputs, ledger=False)
    door = Door(parts, Reindexes(definitions, book), destroying)
    tokens = Tokens(bytes(32), clock)
    glass = BreakGlass(
        state, tokens, clock, new_id, choice or Choice(frozenset({"physician"})), fresh
    )
    operations = (*OPERATIONS, *Emergencies(glass, tokens).offered(), *more(door))
    service = Service(door, Pages(bytes(range(32))), LIMIT)
    capabilities = Capabilities(
        registry,
        operations,
        system_clock(),
        current=definitions.registry,
        supported=held.supported,
    )
    reindexer = Reindexer(store, definitions, system_clock)
    runner = Runner(book, system_clock, (KIND, reindexer.kind))
    outputs.of(runner)
    later = Later(runner, book, system_clock, LIMIT)
    app = Fhir(
        service, tokens.resolve, capabilities, operations, Addressing(), later=later, codes=codes
    )
    everything_allowed = Caller(TENANT, "client/all", "All", parse_scopes("system/*.cruds"))
    async with client(app, tokens.issue(everything_allowed, 3600)) as http:
        yield House(store, state, book, runner, reindexer, door, tokens, app, http, glass)
    await runner.close()


def patient(id: str, **more: Any) -> dict[str, Any]:
    """A small Patient."""
    return {"resourceType": "Patient", "id": id, **more}


def observation(id: str, of: str, code: str = "8302-2", **more: Any) -> dict[str, Any]:
    """A small Observation of a patient."""
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{of}"},
        **more,
    }


def entry(method: str, url: str, resource: Any = None, **more: Any) -> dict[str, Any]:
    """An entry of a Bundle that asks for something; `fullUrl` stands beside its request."""
    full = {"fullUrl": more.pop("fullUrl")} if "fullUrl" in more else {}
    body = {} if resource is None else {"resource": resource}
    return {**full, **body, "request": {"method": method, "url": url, **more}}


def bundle(type: str, *entries: Any) -> bytes:
    """A Bundle to be processed."""
    return json.dumps({"resourceType": "Bundle", "type": type, "entry": entries}).encode()


def ids(answer: httpx.Response, mode: str = "match") -> list[str]:
    """`Type/id` of the entries of a searchset, in their order."""
    return [
        f"{e['resource']['resourceType']}/{e['resource']['id']}"
        for e in answer.json().get("entry", [])
        if e["search"]["mode"] == mode
    ]


def link(answer: httpx.Response, relation: str) -> str | None:
    """A link of a Bundle."""
    found = (each["url"] for each in answer.json()["link"] if each["relation"] == relation)
    return next(found, None)
