"""One ASGI application out of two: `/fhir` is the interface, everything else the pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def dispatch(fhir: App, pages: App) -> App:
    """Requests below `/fhir` to the one, all others to the other."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        inside = path == "/fhir" or path.startswith("/fhir/")
        await (fhir if inside else pages)(scope, receive, send)

    return application
