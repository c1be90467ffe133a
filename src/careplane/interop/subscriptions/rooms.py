"""The rooms of all tenants: each has topics, subscriptions, events and sockets of its own, and a
key of its own that seals what it hands out. The installation sees them as one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from careplane.access.caller import Caller
from careplane.fhir.tree import Tree
from careplane.interop.subscriptions.room import Subscriptions
from careplane.interop.subscriptions.sockets import Receive, Scope, Send, Sockets
from careplane.records.admission import Admit
from careplane.records.bodies import Content
from careplane.records.door import Door
from careplane.records.results import Version
from careplane.rest.addressing import place_of
from careplane.rest.operation import Call, Handler, Operation
from careplane.rest.response import Response
from careplane.search.rows import Rows
from careplane.storage.ports.records import Tenant

Make = Callable[[Tenant], Subscriptions]


class Rooms:
    """Made before the door, as a room is; then `open` with it. A room is made when its tenant is
    first heard of."""

    def __init__(self, make: Make, first: Tenant) -> None:
        self._make = make
        self._first = first
        self._door: Door | None = None
        self._rooms: dict[Tenant, Subscriptions] = {}
        self._sockets: dict[Tenant, Sockets] = {}
        self._warming: set[asyncio.Task[None]] = set()
        self._is_warm = False

    def of(self, tenant: Tenant) -> Subscriptions:
        """The room of a tenant."""
        room = self._rooms.get(tenant)
        if room is None:
            room = self._rooms[tenant] = self._make(tenant)
            if self._door is not None:
                room.open(self._door)
            if self._is_warm:
                task = asyncio.get_running_loop().create_task(room.warm())
                self._warming.add(task)
                task.add_done_callback(self._warming.discard)
        return room

    @property
    def admissions(self) -> dict[str, Admit]:
        """What is checked before a Subscription or a topic is written."""
        return {type: self._admit(type) for type in self.of(self._first).admissions}

    def announced(self, tenant: Tenant, versions: Sequence[Version], rows: Sequence[Rows]) -> None:
        """These were just committed by this process."""
        self.of(tenant).announced(tenant, versions, rows)

    def offered(self) -> tuple[Operation, ...]:
        """The operations, each for the room of who calls it."""
        found = self.of(self._first).operations().offered()
        return tuple(
            replace(operation, handler=self._handler(n)) for n, operation in enumerate(found)
        )

    def capabilities(self, tenant: Tenant, base: str) -> dict[str, Tree]:
        """What the CapabilityStatement of a tenant says."""
        return self.of(tenant).capabilities(base)

    def open(self, door: Door) -> None:
        """Work with this door from now on."""
        self._door = door
        for room in self._rooms.values():
            room.open(door)

    async def warm(self) -> None:
        """Know the topics of the first tenant now, and those of others when they are heard of."""
        self._is_warm = True
        await asyncio.gather(*[room.warm() for room in self._rooms.values()])

    async def sockets(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application of the websockets' addresses."""
        tenant = place_of(scope).tenant
        if tenant not in self._sockets:
            self._sockets[tenant] = self.of(tenant).sockets()
        await self._sockets[tenant](scope, receive, send)

    async def close(self) -> None:
        """Let go of connections."""
        for task in self._warming:
            task.cancel()
        await asyncio.gather(*self._warming, return_exceptions=True)
        await asyncio.gather(*[room.close() for room in self._rooms.values()])

    def _admit(self, type: str) -> Admit:
        def admit(caller: Caller, content: Content) -> Content:
            return self.of(caller.tenant).admissions[type](caller, content)

        return admit

    def _handler(self, number: int) -> Handler:
        async def handle(call: Call) -> Response:
            offered = self.of(call.request.caller.tenant).operations().offered()
            return await offered[number].handler(call)

        return handle
