"""What a worker process runs: the application, built from its environment, closed at its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from careplane.app import interpreter
from careplane.app.build import build
from careplane.app.dispatch import App, Receive, Scope, Send
from careplane.app.settings import Settings


def create() -> App:
    """The application of this process."""
    here = build(Settings(), for_long=True)
    interpreter.settle()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send, here.close)
        else:
            await here.asgi(scope, receive, send)

    return application


async def _lifespan(receive: Receive, send: Send, close: Callable[[], Awaitable[None]]) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await close()
    await send({"type": "lifespan.shutdown.complete"})
