"""The websocket of a visit: one for each participant, from joining to leaving.

Its first message says as whom one comes. Everything is bounded: the size of a message, their number
(`pace`), what is queued for a slow reader (`line`), the time until one has joined, the sockets of a
process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, CareplaneError, Conflict
from careplane.rest.addressing import place_of
from careplane.telehealth.visits import messages as m
from careplane.telehealth.visits.homes import Elsewhere
from careplane.telehealth.visits.line import Queued
from careplane.telehealth.visits.membership import Membership, NoConsent
from careplane.telehealth.visits.pace import Pace
from careplane.telehealth.visits.rooms import Rooms, Sitting

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PATH = "/fhir/$visits"
_MOST = 2_000
_JOIN_SECONDS = 10.0
_LAST_SECONDS = 2.0
_SILENT_SECONDS = 60.0
"""Browsers ping every 15 seconds; one that says nothing for so long is gone."""
_POLICY, _TOO_BIG, _TRY_LATER = 1008, 1009, 1013


@dataclass(frozen=True, slots=True)
class Sockets:
    """The ASGI application of the address."""

    membership: Membership
    rooms: Rooms
    clock: Clock
    open: set[int] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, from its beginning to its end."""
        await receive()
        if len(self.open) >= _MOST:
            await send({"type": "websocket.close", "code": _TRY_LATER})
            return
        await send({"type": "websocket.accept"})
        socket = _Socket(self, scope, receive, send)
        self.open.add(id(socket))
        try:
            await socket.serve()
        finally:
            self.open.discard(id(socket))


class _Socket:
    def __init__(self, here: Sockets, scope: Scope, receive: Receive, send: Send) -> None:
        self._here = here
        self._scope = scope
        self._receive = receive
        self._send = send
        self._line = Queued(self._text)
        self._pace = Pace(here.clock)

    async def serve(self) -> None:
        """Join, then carry words both ways until either side ends."""
        writing = asyncio.create_task(self._line.run())
        sitting: Sitting | None = None
        try:
            sitting = await self._join()
            if sitting is not None:
                listening = asyncio.create_task(self._listen(sitting))
                await asyncio.wait((writing, listening), return_when=asyncio.FIRST_COMPLETED)
                # granian does not send a close while something waits to receive
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
        finally:
            if sitting is not None:
                sitting.left()
            self._line.close(_POLICY)
            await self._end(writing)

    async def _join(self) -> Sitting | None:
        try:
            async with asyncio.timeout(_JOIN_SECONDS):
                message = await self._next()
        except TimeoutError:
            message = None
        if message is None:
            return None
        if not isinstance(message, m.Join):
            self._refuse("state", "Join first.", _POLICY)
            return None
        tenant = place_of(self._scope).tenant
        try:
            held = await self._here.membership.come(message, tenant)
            return await self._here.rooms.enter(held, self._line)
        except CareplaneError as error:
            code, number = _code(error)
            self._refuse(code, error.text, number)
            return None

    async def _listen(self, sitting: Sitting) -> None:
        while True:
            try:
                async with asyncio.timeout(_SILENT_SECONDS):
                    message = await self._next()
            except TimeoutError:
                message = None
            if message is None:
                return
            sitting.heard(message)

    async def _next(self) -> m.Heard | None:
        """None where the connection ends, or what was said ends it."""
        event = await self._receive()
        if event["type"] != "websocket.receive":
            return None
        text = event.get("text")
        if not isinstance(text, str):
            self._refuse("message", "Messages are JSON text.", _POLICY)
        elif len(text) > m.LONGEST or len(text.encode()) > m.LONGEST:
            self._refuse("message", f"At most {m.LONGEST} bytes.", _TOO_BIG)
        else:
            return self._understood(text)
        return None

    def _understood(self, text: str) -> m.Heard | None:
        try:
            message = m.heard(text)
        except msgspec.MsgspecError:
            self._refuse("message", "This is no message of a visit.", _POLICY)
            return None
        if not self._pace.take(message):
            self._refuse("pace", "Too much was said at once.", _POLICY)
            return None
        return message

    def _refuse(self, code: str, text: str, number: int) -> None:
        self._line.send(m.told(m.Problem(code, text)))
        self._line.close(number)

    async def _text(self, message: bytes) -> None:
        await self._send({"type": "websocket.send", "text": message.decode()})

    async def _end(self, writing: asyncio.Task[int]) -> None:
        """Send what is queued and close, unless the client is gone."""
        with suppress(TimeoutError, OSError, RuntimeError):
            async with asyncio.timeout(_LAST_SECONDS):
                if code := await writing:
                    await self._send({"type": "websocket.close", "code": code})


def _code(error: CareplaneError) -> tuple[str, int]:
    """What to say of a refusal, and the code to close with."""
    if isinstance(error, NoConsent):
        return "consent", _POLICY
    if isinstance(error, Elsewhere):
        return "elsewhere", _TRY_LATER
    if isinstance(error, Busy):
        return "busy", _TRY_LATER
    if isinstance(error, Conflict):
        return "state", _POLICY
    return "access", _POLICY
