"""The keys of an issuer, for whoever verifies a card ("Determining keys associated with an
issuer"): `/.well-known/jwks.json`, readable by any page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from careplane.kernel.clock import Clock
from careplane.rest.addressing import place_of
from careplane.rest.request import Receive, Scope, Send
from careplane.sharing.cards.keys import IssuerKeys

PATH = "/.well-known/jwks.json"
_HEADERS = (
    (b"access-control-allow-origin", b"*"),
    (b"cache-control", b"public, max-age=3600"),
    (b"content-type", b"application/json"),
    (b"x-content-type-options", b"nosniff"),
)


def application(
    keys: IssuerKeys, clock: Clock
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The set of the institution whose address it is."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        told = msgspec.json.encode(keys.published(place_of(scope).tenant, clock()))
        asked = scope.get("method") in ("GET", "HEAD", "OPTIONS")
        body = told if scope.get("method") == "GET" else b""
        headers = [*_HEADERS, (b"content-length", str(len(body)).encode())]
        status = 200 if asked else 405
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer
