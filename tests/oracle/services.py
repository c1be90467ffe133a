"""The services of the rooms of care at a distance over one door, as `app.build` wires them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import httpx

from careplane.access.caller import Caller
from careplane.access.labels.labelling import Labelling
from careplane.access.labels.tables import Table
from careplane.care.clinic import Clinic
from careplane.care.documents.documents import Documents
from careplane.care.forms.forms import Forms
from careplane.care.forms.operations import Operations as FormOperations
from careplane.care.lists.lists import Lists
from careplane.care.orders.orders import Orders
from careplane.care.orders.referrals import Referrals
from careplane.care.prescribing.checks.catalogue import checks
from careplane.care.prescribing.operation import Operations as PrescribingOperations
from careplane.care.prescribing.prescribing import Prescribing
from careplane.care.prescribing.refill import Refills
from careplane.care.results.results import Results
from careplane.fhir.codec import json
from careplane.interop.mcp.catalogue import TOOLS
from careplane.interop.mcp.http import Endpoint
from careplane.interop.mcp.server import Server
from careplane.interop.mcp.sessions import Sessions
from careplane.interop.mcp.tool import Desk as McpDesk
from careplane.kernel.clock import system_clock
from careplane.kernel.ids import new_id, secret_id
from careplane.records.door import Door
from careplane.rest.addressing import Addressing
from careplane.rest.links import Pages
from careplane.rest.operation import Operation
from careplane.sharing.cards.cards import Cards
from careplane.sharing.cards.keys import IssuerKeys
from careplane.sharing.cards.operations import operations as card_operations
from careplane.sharing.desk import SharingDesk
from careplane.sharing.ips.operations import operations as summary_operations
from careplane.sharing.ips.summaries import Summaries
from careplane.sharing.links.files import FHIR
from careplane.sharing.links.link import Link
from careplane.sharing.links.shares import Content, Shares
from careplane.storage.ports.state import StateStore
from careplane.telehealth.consults.consult import Promise
from careplane.telehealth.consults.consults import Consults
from careplane.telehealth.messages.messages import Limits, Messages
from careplane.telehealth.messages.operations import Operations as MessageOperations
from careplane.telehealth.messages.pools import Pools
from careplane.telehealth.messages.reading import Reading
from careplane.telehealth.scheduling.calendars import feeds
from careplane.telehealth.scheduling.calendars.feeds import Feeds
from careplane.telehealth.scheduling.desk import Desk
from careplane.telehealth.scheduling.operations import Operations as SchedulingOperations
from careplane.telehealth.scheduling.proposals import Proposals
from careplane.telehealth.tasks.tasks import Tasks
from careplane.web.routes import application as pages
from careplane.web.talk import Talk
from careplane.web.visit import Web
from tests.fhir_house import House
from tests.mcp_house import LIMIT, ROOT, Speaking

LABELS = Labelling(Table())
"""Labels that nobody lowers, and no codes that call for any."""


async def stands(caller: Caller) -> bool:
    """Everybody may still come in."""
    return True


@dataclass(frozen=True)
class Services:
    """Made when they are first asked for."""

    door: Door
    state: StateStore

    @cached_property
    def summaries(self) -> Summaries:
        return Summaries(self.door, system_clock, secret_id)

    @cached_property
    def cards(self) -> Cards:
        return Cards(self.door, IssuerKeys(b"r" * 32), system_clock)

    @cached_property
    def shares(self) -> Shares:
        async def summary(caller: Caller, link: Link, base: str) -> bytes:
            return json.dump(await self.summaries.of(caller, link.patient, base))

        content = {"summary": Content(FHIR, summary)}
        return Shares(self.door, self.state, Pages(bytes(32)), b"k" * 32, system_clock, content,
                      stands)  # fmt: skip

    @cached_property
    def talk(self) -> Talk:
        pools = Pools(self.door, system_clock)
        messages = Messages(self.door, pools, system_clock, new_id, Limits())
        tasks = Tasks(self.door, pools, system_clock, new_id)
        return Talk(messages, Reading(self.door), tasks, Consults(messages, Promise(48, 4)))

    @cached_property
    def forms(self) -> Forms:
        return Forms(self.door, system_clock, new_id)

    @cached_property
    def clinic(self) -> Clinic:
        own = (self.door, system_clock, new_id)
        prescribing = Prescribing(*own, checks(self.door))
        return Clinic(Results(*own), prescribing, Refills(*own), Orders(*own), Referrals(*own),
                      Lists(*own))  # fmt: skip

    @cached_property
    def feeds(self) -> Feeds:
        return Feeds(self.door, self.state, system_clock, secret_id, stands)

    @cached_property
    def desk(self) -> Desk:
        return Desk(self.door, Proposals(self.state, system_clock, secret_id), system_clock, new_id)

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Those of the rooms."""
        talk = self.talk
        return (
            *summary_operations(self.summaries),
            *card_operations(self.cards),
            *MessageOperations(talk.messages, talk.reading).offered(),
            *FormOperations(self.forms).offered(),
            *PrescribingOperations(self.clinic.prescribing).offered(),
            *SchedulingOperations(self.desk, self.feeds).offered(),
        )


@dataclass(frozen=True)
class Rooms:
    """The services at a house, and what stands beside the interface: pages, MCP, calendars."""

    house: House
    services: Services

    @cached_property
    def web(self) -> Web:
        own = self.services
        return Web(
            self.house.door,
            self.house.tokens,
            documents=Documents(self.house.door, system_clock, new_id, 1_000_000),
            sharing=SharingDesk(own.summaries, own.shares, own.cards),
            talk=own.talk,
            desk=own.desk,
            feeds=own.feeds,
            clinic=own.clinic,
            drafts=b"d" * 32,
            forms=own.forms,
        )

    @cached_property
    def _pages(self) -> httpx.ASGITransport:
        return httpx.ASGITransport(pages(self.web))

    @cached_property
    def _calendars(self) -> httpx.ASGITransport:
        return httpx.ASGITransport(feeds.application(self.services.feeds, Addressing(ROOT)))  # type: ignore[arg-type]

    @cached_property
    def _mcp(self) -> httpx.AsyncClient:
        desk = McpDesk(self.house.door, Pages(bytes(32)), system_clock)
        endpoint = Endpoint(Server(desk, TOOLS), Sessions(Pages(bytes(32)), system_clock),
                            self.house.tokens.resolve, Addressing(ROOT), frozenset(),
                            LIMIT)  # fmt: skip
        transport = httpx.ASGITransport(app=endpoint)
        return httpx.AsyncClient(transport=transport, base_url=ROOT)

    async def page(self, caller: Caller, path: str) -> httpx.Response:
        """A page, as somebody sees it."""
        async with httpx.AsyncClient(transport=self._pages, base_url="http://testserver") as http:
            token = self.house.tokens.issue(caller, 3600)
            http.cookies.set("careplane", token, domain="testserver.local")
            return await http.get(path)

    async def calendar(self, address: str) -> httpx.Response:
        """What a program reads at the address of a feed."""
        async with httpx.AsyncClient(transport=self._calendars, base_url=ROOT) as http:
            return await http.get(address)

    def assistant(self, caller: Caller) -> Speaking:
        """An assistant that acts for somebody."""
        return Speaking(self._mcp, self.house.tokens.issue(caller, 3600))
