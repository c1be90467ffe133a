"""GET /openapi.json, and ?type=Patient for the part of one type: open to all, as is `/metadata`.

The whole is several megabytes, a part some tens of kilobytes; both are made once and sent as gzip
to whoever takes that. `?type=Resource` is what concerns the whole system.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from careplane.kernel.errors import Incorrect
from careplane.rest.guarded import GUARDED
from careplane.rest.negotiate import Style
from careplane.rest.openapi.document import Document, OpenApi
from careplane.rest.outcome import MethodNotAllowed, response_of
from careplane.rest.render import render
from careplane.rest.request import Receive, Scope, Send
from careplane.rest.response import Header
from careplane.search.parse import parse_query

App = Callable[[Scope, Receive, Send], Awaitable[None]]
_METHODS = ("GET", "HEAD")
_HEADERS: list[Header] = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-cache"),
    (b"vary", b"accept-encoding"),
    (b"access-control-allow-origin", b"*"),
    *GUARDED,
]


def serve(api: OpenApi) -> App:
    """The application of this one address."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        sent: dict[bytes, bytes] = dict(scope["headers"])
        zipped = b"gzip" in sent.get(b"accept-encoding", b"")
        try:
            found = _asked(api, scope)
            status, headers, body = _answer(found, sent.get(b"if-none-match"), zipped)
        except Exception as error:
            refusal = response_of(error)
            status = refusal.status
            headers, body = render(refusal, Style(), zipped)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": body})

    return application


def _asked(api: OpenApi, scope: Scope) -> Document:
    if scope["method"] not in _METHODS:
        raise MethodNotAllowed(scope["method"], _METHODS)
    query = scope.get("query_string", b"").decode("latin-1")
    match list(parse_query(query)) if query else []:
        case []:
            return api.whole()
        case [("type", type)]:
            return api.of(type)
    raise Incorrect("The one parameter here is type, once, such as ?type=Patient.")


def _answer(found: Document, known: bytes | None, zipped: bool) -> tuple[int, list[Header], bytes]:
    tag = f'"{found.digest}"'.encode()
    headers = [*_HEADERS, (b"etag", tag)]
    if known == tag:
        return 304, headers, b""
    body = found.packed if zipped else found.plain
    if zipped:
        headers.append((b"content-encoding", b"gzip"))
    return 200, [*headers, (b"content-length", str(len(body)).encode())], body
