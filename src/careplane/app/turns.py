"""Turns of the event loop: only so many requests begin in one.

What a request leaves for the audit trail is kept at the end of its turn, together with that of the
others, and its answer leaves in the next one (decision 0055). If all that wait began in one turn,
the first answer would leave after the last request was handled: whoever asks would stand still
until then, and this process after it (decision 0094).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable

from careplane.app.dispatch import App, Receive, Scope, Send

_AT_ONCE = 16


def in_turns(app: App, at_once: int = _AT_ONCE) -> App:
    """The same application; a request that comes when so many have begun waits for a later turn, in
    the order in which they came."""
    waiting: deque[asyncio.Future[None]] = deque()
    begun = 0

    def end() -> None:
        asyncio.get_running_loop().call_soon(begin)  # behind the answers of those that have begun

    def begin() -> None:
        nonlocal begun
        begun = 0
        while waiting and begun < at_once:
            first = waiting.popleft()
            if not first.done():  # it has gone away
                first.set_result(None)
                begun += 1
        if begun:
            asyncio.get_running_loop().call_soon(end)

    async def later(scope: Scope, receive: Receive, send: Send) -> None:
        turn = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        await turn
        await app(scope, receive, send)

    def application(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        nonlocal begun
        if begun == at_once:
            return later(scope, receive, send)
        if not begun:
            asyncio.get_running_loop().call_soon(end)
        begun += 1
        return app(scope, receive, send)

    return application
