"""One ASGI application out of several: `/fhir` is the interface, everything else the pages, but for
single addresses (`/openapi.json`, `/livez`) and what stands below others (`/fhir/_bulk/`).
Websockets have addresses of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def dispatch(fhir: App, pages: App, others: Mapping[str, App], sockets: Mapping[str, App]) -> App:
    """Each request to the application of its address: of `others` where it is that address, or is
    below one that ends in a slash; to the interface below `/fhir`; to the pages else. Websockets to
    those of `sockets`, or nowhere."""
    single = {address: app for address, app in others.items() if not address.endswith("/")}
    below = tuple((address, app) for address, app in others.items() if address.endswith("/"))
    prefixes = tuple(address for address, _ in below)

    def chosen(path: str) -> App:
        if path.startswith(prefixes):
            return next(app for prefix, app in below if path.startswith(prefix))
        inside = path == "/fhir" or path.startswith("/fhir/")
        return single.get(path, fhir if inside else pages)

    def application(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        path = scope.get("path", "")
        websocket = scope["type"] == "websocket"
        app = sockets.get(path, _no_socket) if websocket else chosen(path)
        return app(scope, receive, send)

    return application


def when_asked(make: Callable[[], App]) -> App:
    """An application that is made, and its modules read, with its first request: no start waits for
    it."""
    made: list[App] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if not made:
            made.append(make())
        await made[0](scope, receive, send)

    return application


async def _no_socket(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1000})
