"""One ASGI application out of three: `/fhir` is the interface, websockets are of subscriptions,
everything else is the pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def dispatch(fhir: App, pages: App, sockets: App, socket_path: str) -> App:
    """Requests below `/fhir` to the one, all others to the other; websockets to theirs."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "websocket":
            await (sockets if path == socket_path else _no_socket)(scope, receive, send)
            return
        inside = path == "/fhir" or path.startswith("/fhir/")
        await (fhir if inside else pages)(scope, receive, send)

    return application


async def _no_socket(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1000})
