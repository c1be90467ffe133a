"""One ASGI application out of several: `/fhir` is the interface, everything else the pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def dispatch(fhir: App, pages: App, below: Mapping[str, App]) -> App:
    """Requests below `/fhir` to the one, all others to the other; those below an address of `below`
    (`/fhir/_bulk/`) to what stands there."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        inside = path == "/fhir" or path.startswith("/fhir/")
        found = fhir if inside else pages
        for prefix, app in below.items():
            if path.startswith(prefix):
                found = app
        await found(scope, receive, send)

    return application
