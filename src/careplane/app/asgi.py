"""The ASGI application: `/fhir` is the interface, everything else the pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from careplane.app.build import build
from careplane.app.settings import Settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def create() -> App:
    """What the server's worker runs, built from the environment; it closes the store at the end."""
    here = build(Settings())

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


def dispatch(fhir: App, pages: App) -> App:
    """One application out of two."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        inside = path == "/fhir" or path.startswith("/fhir/")
        await (fhir if inside else pages)(scope, receive, send)

    return application
