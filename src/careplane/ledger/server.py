"""The log over HTTP, for everybody who may watch it: c2sp.org/tlog-tiles, its policy and its
time stamps.

Nothing of a patient is in it, so no token is asked for. A full tile never changes, and says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from careplane.kernel.errors import Busy, CareplaneError, Incorrect, NotFound
from careplane.ledger.formats import layout
from careplane.ledger.reading import Reading

PREFIX = "/ledger/"
POLICY = "policy"
STAMPED = "timestamp/"
_TEXT = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"
_FOR_EVER = "public, max-age=31536000, immutable"
_SOON = "public, max-age=1"
_STATUS: tuple[tuple[type[CareplaneError], int], ...] = (
    (Incorrect, 404),  # no path of a log
    (NotFound, 404),
    (Busy, 503),
    (CareplaneError, 500),
)
_OPEN = {
    "access-control-allow-origin": "*",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


def application(reading: Callable[[], Reading], policy: Callable[[], Awaitable[bytes]]) -> ASGIApp:
    """What stands below `PREFIX`. The log is opened with the first question."""

    async def answer(path: str) -> Response:
        if path == POLICY:
            return Response(await policy(), media_type=_TEXT, headers={"cache-control": _SOON})
        if path == STAMPED:
            days = "".join(f"{day}\n" for day in await reading().days())
            return Response(days, media_type=_TEXT, headers={"cache-control": _SOON})
        if path.startswith(STAMPED):
            data = await reading().stamped(path.removeprefix(STAMPED))
            return Response(data, media_type=_BYTES, headers={"cache-control": _FOR_EVER})
        data = await reading().resource(path)
        if path == layout.CHECKPOINT:
            return Response(data, media_type=_TEXT, headers={"cache-control": _SOON})
        return Response(data, media_type=_BYTES, headers={"cache-control": _FOR_EVER})

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method not in ("GET", "HEAD"):
            response = Response("GET only.\n", 405, {"allow": "GET, HEAD"}, _TEXT)
        else:
            try:
                response = await answer(request.url.path.removeprefix(PREFIX))
            except CareplaneError as error:
                status = next(code for kind, code in _STATUS if isinstance(error, kind))
                response = Response(f"{error.text}\n", status, media_type=_TEXT)
        response.headers.update(_OPEN)
        await response(scope, receive, send)

    return application
