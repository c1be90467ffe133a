"""One ASGI application out of several: `/fhir` is the interface, `/openapi.json` its description,
`/livez` and `/readyz` are for those who run it, everything else the pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def dispatch(fhir: App, pages: App, single: Mapping[str, App]) -> App:
    """Requests below `/fhir` to the interface, those of a `single` address to what is there, all
    others to the pages."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        inside = path == "/fhir" or path.startswith("/fhir/")
        chosen = fhir if inside else single.get(path, pages)
        await chosen(scope, receive, send)

    return application
