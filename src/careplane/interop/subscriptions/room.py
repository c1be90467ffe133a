"""The room as a whole: what `app.build` hands to the door, to HTTP and to the background."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from careplane.access.caller import Caller
from careplane.access.decide import ViewOf, whole
from careplane.access.scopes import parse_scopes
from careplane.fhir.tree import Tree
from careplane.interop.subscriptions import names
from careplane.interop.subscriptions.admission import Admission
from careplane.interop.subscriptions.channel import Channel
from careplane.interop.subscriptions.channels.email import Email
from careplane.interop.subscriptions.channels.message import Message
from careplane.interop.subscriptions.channels.rest_hook import RestHook
from careplane.interop.subscriptions.journal import Journal
from careplane.interop.subscriptions.operations import Operations, websocket_url
from careplane.interop.subscriptions.owner import Seal
from careplane.interop.subscriptions.posting import Posting
from careplane.interop.subscriptions.reach import Reach
from careplane.interop.subscriptions.service import Service
from careplane.interop.subscriptions.sight import Sight
from careplane.interop.subscriptions.sockets import Bell, Sockets
from careplane.interop.subscriptions.tools import Tools
from careplane.interop.subscriptions.topics import Topics
from careplane.kernel.clock import Clock
from careplane.kernel.errors import CareplaneError
from careplane.kernel.mail import Mailbox
from careplane.records.admission import Admit
from careplane.records.bodies import Extract
from careplane.records.door import Door
from careplane.records.results import Version
from careplane.search.criterion import Setting
from careplane.search.rows import Rows
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

_TOPICS_AGAIN = 2.0
"""Seconds until a process that does not lead looks for topics that another one has written."""

_MOST_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class House:
    """What the room is built on. `base` is the address of the FHIR interface in notifications;
    `views` say what owners do not see."""

    state: StateStore
    tenant: Tenant
    seals: Seal
    setting: Setting
    extract: Extract
    clock: Clock
    base: str
    reach: Reach = field(default_factory=Reach)
    mailbox: Mailbox | None = None
    attempts: int = 20
    views: ViewOf = whole


class Subscriptions:
    """Made before the door, which asks `admissions` and tells `announced`; then `open` with it."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._caller = Caller(
            house.tenant,
            "service/subscriptions",
            "Subscriptions",
            parse_scopes("system/Subscription.rus system/Basic.rs"),
        )
        self._topics = Topics()
        self._journal = Journal(house.state, house.tenant)
        self._woken = asyncio.Event()
        self._bell = Bell()
        self._door: Door | None = None
        self._posting: Posting | None = None
        self._following: asyncio.Task[None] | None = None
        self._leads = False
        self._rows: dict[int, Rows] = {}

    @property
    def admissions(self) -> dict[str, Admit]:
        """What is checked before a Subscription or a topic is written."""
        house = self._house
        admission = Admission(
            self._caller,
            house.seals,
            self._topics,
            Sight(house.setting, house.views),
            house.extract,
            house.reach,
            house.clock,
            house.mailbox is not None,
        )
        return {"Subscription": admission.subscription, "Basic": admission.basic}

    def announced(self, tenant: Tenant, versions: Sequence[Version], rows: Sequence[Rows]) -> None:
        """These were just committed by this process. Their rows are kept until they are matched,
        which saves taking each resource apart a second time."""
        if any(version.type == "Basic" for version in versions):
            self._topics.met(versions)
        if self._leads:
            if len(self._rows) > _MOST_ROWS:
                self._rows.clear()
            for version, made in zip(versions, rows, strict=True):
                self._rows[version.t] = made
        self._woken.set()

    def operations(self) -> Operations:
        """`$status`, `$events`, `$get-ws-binding-token`."""
        return Operations(self._journal, self._house.seals, self._house.clock)

    def capabilities(self, base: str) -> dict[str, Tree]:
        """What the CapabilityStatement says of topics, and where the websocket is."""
        topics = [
            {"url": names.CAPABILITY_TOPIC, "valueCanonical": url} for url in self._topics.urls()
        ]
        socket = {"url": names.CAPABILITY_WEBSOCKET, "valueUri": websocket_url(base)}
        return {
            "": {"extension": [socket]},
            "Subscription": {"extension": topics, "supportedProfile": [names.SUBSCRIPTION]},
        }

    def open(self, door: Door) -> None:
        """Work with this door from now on."""
        self._door = door

    async def warm(self) -> None:
        """Know the topics, so that a subscription to none is refused when it is sent."""
        if self._following is None:
            with suppress(CareplaneError):
                await self._topics.load(self._here(), self._caller)
            self._following = asyncio.create_task(self._follow_topics())

    async def serve(self) -> None:
        """The service in the background: follow, match, deliver."""
        house = self._house
        posting = self._posting = self._posting or Posting(house.reach)
        channels: dict[str, Channel] = {
            "rest-hook": RestHook(posting),
            "message": Message(posting, house.base),
        }
        if house.mailbox is not None:
            channels["email"] = Email(house.mailbox, house.base)
        tools = Tools(
            self._here(),
            self._journal,
            self._topics,
            house.seals,
            self._caller,
            house.tenant,
            Sight(house.setting, house.views),
            house.extract,
            house.clock,
            channels,
            house.base,
            house.attempts,
            self._bell.ring,
            self._rows,
        )
        self._leads = True
        try:
            await Service(tools, self._woken).run()
        finally:
            self._leads = False
            self._rows.clear()

    def sockets(self) -> Sockets:
        """The ASGI application of the websocket's address."""
        house = self._house
        return Sockets(
            self._here(), self._journal, house.seals, self._bell, house.base, house.clock
        )

    async def close(self) -> None:
        """Let go of connections."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        if self._posting is not None:
            await self._posting.close()

    def _here(self) -> Door:
        assert self._door is not None, "open() comes first"
        return self._door

    async def _follow_topics(self) -> None:
        """Where the service runs elsewhere, nobody else tells this process of topics."""
        door, tenant = self._here(), self._house.tenant
        cursor = 0
        while True:
            with suppress(CareplaneError):
                if self._leads or not cursor:
                    cursor = await door.newest(tenant)
                else:
                    versions = await door.changes(tenant, cursor)
                    self._topics.met(versions)
                    cursor = versions[-1].t if versions else cursor
            await asyncio.sleep(_TOPICS_AGAIN)
