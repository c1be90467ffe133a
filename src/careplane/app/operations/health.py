"""`/livez` and `/readyz`: whether this process should live on, and whether it should get requests.

Live is a process whose event loop turns. Ready is one whose store answers and is written to, and
that was not told to go. Neither takes a token, tells of a patient or leaves an audit record: no
record is looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import msgspec

from careplane.app.dispatch import Receive, Scope, Send
from careplane.app.operations.traffic import Traffic
from careplane.kernel.errors import CareplaneError, Full
from careplane.rest.guarded import GUARDED

State = Literal["good", "bad", "slow", "full", "draining"]
Check = Callable[[], Awaitable[object]]
"""Ends well, or raises what is wrong."""
_READY = frozenset({"good", "full"})
"""A server that has no room to write goes on to answer reads."""
LIVE, READY = "/livez", "/readyz"
PATHS = frozenset({LIVE, READY})
_SECONDS = 2.0
_HEADERS = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    *GUARDED,
]


class Health:
    """The ASGI application at both addresses. `checks` are what ready means, by name."""

    def __init__(self, checks: Mapping[str, Check], traffic: Traffic) -> None:
        self._checks = checks
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if method not in ("GET", "HEAD"):
            await _answer(send, 405, {"status": "only GET and HEAD are offered here"}, method)
        elif scope["path"] == LIVE:
            await _answer(send, 200, {"status": "live"}, method)
        else:
            states = await self.states()
            ready = _READY.issuperset(states.values())
            said = {"status": "ready" if ready else "not ready", "checks": states}
            await _answer(send, 200 if ready else 503, said, method)

    async def states(self) -> dict[str, State]:
        """Every check, and how it stands."""
        found = await asyncio.gather(*map(_state, self._checks.values()))
        traffic: State = "draining" if self._traffic.draining else "good"
        return {**dict(zip(self._checks, found, strict=True)), "traffic": traffic}


async def _state(check: Check) -> State:
    try:
        async with asyncio.timeout(_SECONDS):
            await check()
    except TimeoutError:
        return "slow"
    except Full:
        return "full"
    except CareplaneError:
        return "bad"
    return "good"


async def _answer(send: Send, status: int, said: object, method: str) -> None:
    body = msgspec.json.encode(said)
    headers = [*_HEADERS, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
