"""Health links over HTTP: manifests, files, direct files (SMART Health Links, "SHLink Receiving
Application"). Any page may ask (CORS), for nothing is given for a cookie; whatever does not open
looks the same."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Meta, Struct

from careplane.access.people.refusal import SlowDown
from careplane.access.people.throttle import Rate, Throttle, network
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import CareplaneError, Incorrect, NotFound
from careplane.rest.addressing import ROOT, Addressing, place_of
from careplane.rest.request import Receive, Scope, Send
from careplane.sharing.links.shares import Shares, WrongPasscode

PREFIX = "/shl/"
MANIFEST, FILE = PREFIX + "m/", PREFIX + "f/"
RATE = Rate(60, 2)
"""Of an address: sixty at once, and one more each two seconds."""
_MOST_BODY = 4096
_EMBEDDED = 4_000_000
_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"retry-after"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_PREFLIGHT = (
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", b"content-type"),
    (b"access-control-max-age", b"86400"),
)
_JOSE, _JSON = "application/jose", "application/json"


class _Asked(Struct):
    """The body of a manifest request."""

    recipient: Annotated[str, Meta(min_length=1, max_length=200)]
    passcode: Annotated[str, Meta(max_length=200)] | None = None
    embeddedLengthMax: Annotated[int, Meta(ge=0)] | None = None  # noqa: N815  (the standard's name)


_Answer = tuple[int, bytes, str, tuple[tuple[bytes, bytes], ...]]


class Application:
    """The ASGI application of what stands below `PREFIX`."""

    def __init__(self, shares: Shares, addressing: Addressing, clock: Clock) -> None:
        self._shares = shares
        self._addressing = addressing
        self._clock = clock
        self._throttle = Throttle(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, body, media, more = await self._answer(scope, receive)
        except WrongPasscode as error:
            status, body, media, more = 401, _json(remainingAttempts=error.left), _JSON, ()
        except NotFound as error:
            status, body, media, more = 404, _json(error=error.text), _JSON, ()
        except SlowDown as error:
            retry = ((b"retry-after", str(error.seconds).encode()),)
            status, body, media, more = 429, _json(error="Too many requests."), _JSON, retry
        except Incorrect as error:
            status, body, media, more = 400, _json(error=error.text), _JSON, ()
        except CareplaneError:
            status, body, media, more = 503, _json(error="Not now; try again."), _JSON, ()
        headers = [*_HEADERS, *more, (b"content-type", media.encode())]
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        shown = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": shown})

    async def _answer(self, scope: Scope, receive: Receive) -> _Answer:
        path, method = str(scope["path"]), str(scope["method"])
        if method == "OPTIONS":
            return 204, b"", _JSON, _PREFLIGHT
        headers = dict(scope["headers"])
        address = self._addressing.client(scope, headers)
        self._throttle.begin(((f"address {network(address)}", RATE),))
        tenant, base = place_of(scope).tenant, self._addressing.base(scope, headers)
        if path.startswith(FILE) and method == "GET":
            sealed = await self._shares.file(tenant, path.removeprefix(FILE), address, base)
            return 200, sealed.encode(), _JOSE, ()
        if path.startswith(MANIFEST) and method in ("GET", "POST"):
            secret = path.removeprefix(MANIFEST)
            if method == "GET":
                query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
                recipient = _named(query.get("recipient", [""])[0])
                sealed = await self._shares.direct(tenant, secret, recipient, address, base)
                return 200, sealed.encode(), _JOSE, ()
            asked = await _asked(receive)
            files = await self._shares.open(
                tenant, secret, _named(asked.recipient), asked.passcode, address, base
            )
            most = _EMBEDDED if asked.embeddedLengthMax is None else asked.embeddedLengthMax
            root = base.removesuffix(ROOT) + FILE
            told = format_instant(self._clock())
            shown = [
                {
                    "contentType": file.kind,
                    "lastUpdated": told,
                    **(
                        {"embedded": file.sealed}
                        if len(file.sealed) <= most
                        else {"location": root + file.ticket}
                    ),
                }
                for file in files
            ]
            return 200, _json(status="can-change", files=shown), _JSON, ()
        raise NotFound("There is no such address.")


def _named(recipient: str) -> str:
    """Who somebody says they are; one line, so that nobody looks like several."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in recipient).split())
    if not plain:
        raise Incorrect("Say who you are: 'recipient' is a name that the patient will see.")
    return plain


async def _asked(receive: Receive) -> _Asked:
    body = bytearray()
    while True:
        event = await receive()
        body += event.get("body", b"")
        if len(body) > _MOST_BODY:
            raise Incorrect(f"A manifest request has {_MOST_BODY} bytes at most.")
        if not event.get("more_body"):
            break
    try:
        return msgspec.json.decode(bytes(body), type=_Asked)
    except msgspec.MsgspecError as error:
        raise Incorrect(
            "A manifest request is JSON with 'recipient', and 'passcode' where there is one."
        ) from error


def _json(**values: Any) -> bytes:
    return msgspec.json.encode(values)
