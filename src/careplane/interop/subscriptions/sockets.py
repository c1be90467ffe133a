"""The websocket channel (backport 1.1, Channels, Websockets).

A client opens the address that `$get-ws-binding-token` names and sends `bind-with-token` and a
token; it gets one handshake for each subscription of the token, and from then on its events. Each
socket reads the journal by itself, woken by the service of its own process or, where that runs
elsewhere, by the clock. What it shows is read under the rights of who asked for the token, and the
binding ends with the token. `ping` is answered with `pong`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from careplane.access.caller import Caller
from careplane.fhir.codec import json, xml
from careplane.interop.subscriptions.journal import Journal
from careplane.interop.subscriptions.notification import Told, Type, bundle_of, status_of
from careplane.interop.subscriptions.owner import Seal, SubscriptionBinding
from careplane.interop.subscriptions.subscription import XML, Subscription, read
from careplane.kernel.clock import Clock
from careplane.kernel.errors import (
    CareplaneError,
    Forbidden,
    Incorrect,
    NotFound,
    Unauthenticated,
)
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PATH = "/fhir/$subscriptions"
_BIND = "bind-with-token"
_LONGEST = 20_000
_POLL = 1.0
"""Seconds until a socket looks for events that the service of another process has noted."""
_MOST_SOCKETS = 2000
MOST_BOUND = 100
"""Subscriptions on one socket."""
_UNBOUND = 30_000_000
"""Microseconds in which a new socket must say for whom it is."""
_POLICY, _TRY_LATER = 1008, 1013


class Bell:
    """Wakes the sockets of this process."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def ring(self, id: str) -> None:
        """A subscription has news."""
        for event in self._waiting:
            event.set()

    def hang(self, event: asyncio.Event) -> None:
        """Wake this one too."""
        self._waiting.add(event)

    def unhang(self, event: asyncio.Event) -> None:
        """No longer."""
        self._waiting.discard(event)


@dataclass(frozen=True, slots=True)
class Sockets:
    """The ASGI application of the websocket's address."""

    door: Door
    journal: Journal
    seals: Seal
    bell: Bell
    base: str
    clock: Clock
    open: set[int] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, from its beginning to its end."""
        await receive()
        if len(self.open) >= _MOST_SOCKETS:
            await send({"type": "websocket.close", "code": _TRY_LATER})
            return
        await send({"type": "websocket.accept"})
        session = _Session(self, send)
        self.open.add(id(session))
        self.bell.hang(session.news)
        telling = asyncio.create_task(session.tell())
        listening = asyncio.create_task(_listen(session, receive))
        gone = False
        try:
            await asyncio.wait((listening, telling), return_when=asyncio.FIRST_COMPLETED)
            gone = listening.done() and not listening.cancelled() and listening.result()
        finally:
            self.open.discard(id(session))
            self.bell.unhang(session.news)
            # granian does not send a close while something waits to receive
            for task in (listening, telling):
                task.cancel()
            await asyncio.gather(listening, telling, return_exceptions=True)
        if not gone:
            with suppress(OSError, RuntimeError):  # the client may be gone already
                await send({"type": "websocket.close", "code": _POLICY})


async def _listen(session: _Session, receive: Receive) -> bool:
    """Hear the client out: True where it went, False where it made no sense."""
    while True:
        message = await receive()
        if message["type"] != "websocket.receive":
            return True
        text = message.get("text")
        if not isinstance(text, str) or len(text) > _LONGEST or not await session.heard(text):
            return False


@dataclass(slots=True)
class _Bound:
    """A subscription on this socket: for whom, until when, and the last event it was told."""

    caller: Caller
    subscription: Subscription
    until: int
    told: int
    spoke: int


class _Session:
    def __init__(self, sockets: Sockets, send: Send) -> None:
        self._sockets = sockets
        self._send = send
        self._bound: dict[str, _Bound] = {}
        self._since = sockets.clock()
        self._writing = asyncio.Lock()
        self.news = asyncio.Event()

    async def heard(self, text: str) -> bool:
        """Carry out what the client says; false where it makes no sense."""
        word, _, token = text.strip().partition(" ")
        if word == "ping" and not token:
            await self._write("pong")
            return True
        if word != _BIND or not token:
            return False
        try:
            await self._bind(token.strip())
        except CareplaneError:
            return False
        return True

    async def tell(self) -> None:
        """Events as they come, until nothing is bound any more."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL):
                    await self.news.wait()
            self.news.clear()
            if not self._bound and self._sockets.clock() - self._since > _UNBOUND:
                return
            for id, bound in list(self._bound.items()):
                if bound.until <= self._sockets.clock():
                    del self._bound[id]
                    if not self._bound:
                        return
                    continue
                try:
                    await self._events(bound)
                except (NotFound, Forbidden):
                    del self._bound[id]  # deleted, or no longer to be read
                except CareplaneError:
                    continue  # the store is busy: later

    async def _bind(self, token: str) -> None:
        here = self._sockets
        binding = here.seals.open(token, SubscriptionBinding)
        if binding.until <= here.clock():
            raise Unauthenticated("The token has expired; ask for a new one.")
        if len(self._bound) + len(binding.subscriptions) > MOST_BOUND:
            raise Incorrect(f"A socket takes at most {MOST_BOUND} subscriptions.")
        caller = binding.owner.caller()
        for id in binding.subscriptions:
            subscription = await self._current(caller, id)
            last, _ = await here.journal.last(id, await here.journal.standing(id))
            bound = _Bound(caller, subscription, binding.until, last, here.clock())
            await self._notify(bound, "handshake", last, ())
            self._bound[id] = bound

    async def _current(self, caller: Caller, id: str) -> Subscription:
        version = await self._sockets.door.read(caller, c.Read("Subscription", id))
        return read(json.parse(whole(version)), id)

    async def _events(self, bound: _Bound) -> None:
        here = self._sockets
        while True:
            subscription = bound.subscription
            events = await here.journal.events(subscription.id, bound.told, subscription.count)
            if not events:
                await self._heartbeat(bound)
                return
            told: list[Told] = [(event, None) for event in events]
            if subscription.content != "empty":
                command = c.Disclose(
                    f"Subscription/{subscription.id}",
                    tuple((e.type, e.id, e.version) for e in events),
                )
                found = await here.door.disclose(bound.caller, command)
                told = list(zip(events, found, strict=True))
            last = events[-1].number
            await self._notify(bound, "event-notification", last, told)
            bound.told = last

    async def _heartbeat(self, bound: _Bound) -> None:
        every = bound.subscription.heartbeat * 1_000_000
        if every and self._sockets.clock() - bound.spoke >= every:
            bound.subscription = await self._current(bound.caller, bound.subscription.id)
            await self._notify(bound, "heartbeat", bound.told, ())

    async def _notify(
        self, bound: _Bound, type: Type, count: int, told: list[Told] | tuple[()]
    ) -> None:
        here = self._sockets
        subscription = bound.subscription
        status = status_of(here.base, subscription, type, subscription.status, count, told)
        raw = bundle_of(here.base, subscription, status, told, here.clock())
        if subscription.mime == XML:
            raw = xml.dump(json.parse(raw))
        await self._write(raw.decode())
        bound.spoke = here.clock()

    async def _write(self, text: str) -> None:
        async with self._writing:
            await self._send({"type": "websocket.send", "text": text})
