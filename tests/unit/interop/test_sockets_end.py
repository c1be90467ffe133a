"""How a websocket of subscriptions ends: the server closes it when nothing waits to receive, since
Granian sends no close while something does."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any, cast

import pytest

from careplane.interop.subscriptions.sockets import Bell, Sockets

pytestmark = pytest.mark.anyio
MINUTE = 60_000_000


class Wire:
    """A connection as the server has it; `heard` is what the client says before it is silent."""

    def __init__(self, *heard: str | None) -> None:
        self._heard = [{"type": "websocket.connect"}, *map(_said, heard)]
        self.waits = False
        self.sent: list[tuple[str, int | None, bool]] = []

    async def receive(self) -> MutableMapping[str, Any]:
        if self._heard:
            return self._heard.pop(0)
        self.waits = True
        try:
            await asyncio.Event().wait()
        finally:
            self.waits = False
        raise AssertionError

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.sent.append((message["type"], message.get("code"), self.waits))


def _said(text: str | None) -> dict[str, Any]:
    if text is None:
        return {"type": "websocket.disconnect", "code": 1001}
    return {"type": "websocket.receive", "text": text}


def sockets(bell: Bell) -> Sockets:
    """Of a house where a minute passes whenever somebody looks at the clock."""
    times = iter(range(0, 1_000 * MINUTE, MINUTE))
    return Sockets(cast(Any, None), cast(Any, None), cast(Any, None), bell, "", lambda: next(times))


CASES = {
    "who says nothing": ((), 1008),
    "what makes no sense": (("good morning",), 1008),
    "a client that went": ((None,), None),
}


@pytest.mark.parametrize("name", CASES)
async def test_the_end(name: str) -> None:
    heard, code = CASES[name]
    bell, wire = Bell(), Wire(*heard)
    house = sockets(bell)
    running = asyncio.create_task(house({}, wire.receive, wire.send))
    await asyncio.sleep(0)
    bell.ring("any")
    await asyncio.wait_for(running, 5)
    closes = [(code, waits) for type, code, waits in wire.sent if type == "websocket.close"]
    assert closes == ([(code, False)] if code else [])
    assert not house.open
