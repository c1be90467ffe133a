"""The ASGI application of `/fhir`: caller, address, interaction, answer, in this order.

Plain ASGI and no framework in between, since a read costs less than a framework's own objects.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter
from urllib.parse import unquote

from careplane.access.caller import Caller, nobody
from careplane.kernel.errors import Busy, CareplaneError, Unauthenticated
from careplane.records.audited import is_audited
from careplane.rest.addressing import ROOT, Addressing, place_of
from careplane.rest.calls import Operations
from careplane.rest.interactions import terminology_capabilities
from careplane.rest.interactions.capabilities import Capabilities
from careplane.rest.later import PATH, Later
from careplane.rest.negotiate import Style, negotiate
from careplane.rest.operation import Operation
from careplane.rest.outcome import MethodNotAllowed, response_of
from careplane.rest.render import render
from careplane.rest.request import Receive, Request, Scope, Send
from careplane.rest.response import Header, Response
from careplane.rest.routes import ROUTES, place
from careplane.rest.service import Service
from careplane.rest.watch import INTERACTIONS, UNKNOWN, Seen, Watch, nobody_watches
from careplane.terminology.library import Library, Shelves

Resolve = Callable[[str], Caller]
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_CORS: list[Header] = [
    (b"access-control-allow-methods", ", ".join(_METHODS).encode()),
    (
        b"access-control-allow-headers",
        b"Authorization, Content-Type, Accept, Prefer, If-Match, If-None-Match, If-None-Exist, "
        b"If-Modified-Since",
    ),
    (b"access-control-max-age", b"3600"),
]
_REMEMBERED = 1024
_SHORT = ("Type/id", "Type/id/_history/vid")


class Fhir:
    """FHIR over HTTP. `resolve` turns a bearer token into its caller; `operations` are those of
    this room and of features alike; `watch` is told of every request; `codes` are the code systems
    that everybody may use."""

    def __init__(
        self,
        service: Service,
        resolve: Resolve,
        capabilities: Capabilities,
        operations: Sequence[Operation],
        addressing: Addressing,
        watch: Watch = nobody_watches,
        later: Later | None = None,
        codes: Library | None = None,
    ) -> None:
        self._service = replace(service, operate=self._operate)
        self._resolve = resolve
        self._capabilities = capabilities
        self._addressing = addressing
        self._watch = watch
        self._later = later
        self._codes = codes or Shelves()
        self._operations = Operations(operations)
        # The last caller of each address, so that most requests copy nothing.
        self._callers: dict[str, tuple[Caller, Caller]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Whatever goes wrong is an OperationOutcome."""
        began = perf_counter()
        seen = Seen()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        zipped = b"gzip" in headers.get(b"accept-encoding", b"")
        style = Style()
        try:
            query = scope.get("query_string", b"").decode("latin-1")
            style = _style(headers, query)
            response = await self._answer(scope, headers, query, receive, seen)
            sent, content = render(response, style, zipped)
        except Exception as error:
            response = response_of(await self._told(scope, headers, error))
            sent, content = render(response, style, zipped)
        self._watch(seen, response.status, perf_counter() - began)
        await send({"type": "http.response.start", "status": response.status, "headers": sent})
        body = b"" if scope["method"] == "HEAD" else content
        await send({"type": "http.response.body", "body": body})

    async def _told(self, scope: Scope, headers: dict[bytes, bytes], error: Exception) -> Exception:
        """Every request leaves an audit record, one that was refused at the door step too. The
        error to answer with: this one, unless that record cannot be kept."""
        if is_audited(error):
            return error
        try:
            caller = self._caller(scope, headers)
        except (Unauthenticated, Busy):
            caller = nobody(self._addressing.client(scope, headers))
        try:
            await self._service.door.refused(caller, scope["method"], scope["path"], error)
        except CareplaneError as unkept:
            return unkept
        return error

    async def _answer(
        self,
        scope: Scope,
        headers: dict[bytes, bytes],
        query: str,
        receive: Receive,
        seen: Seen,
    ) -> Response:
        method = scope["method"]
        path = _path(scope)
        if path == ("metadata",):
            seen.interaction = "capabilities"
            base = self._addressing.base(scope, headers)
            if "mode=terminology" in query.split("&"):
                return await self._terminology(method, base)
            said = self._capabilities.of(place_of(scope).tenant)
            await said.renew()
            return _metadata(method, partial(said.statement, base))
        if method == "OPTIONS":
            return Response(204, b"", list(_CORS))
        request = Request(
            method=method,
            path=path,
            query=query,
            headers=headers,
            base=self._addressing.base(scope, headers),
            caller=self._caller(scope, headers),
            receive=receive,
            seen=seen,
        )
        seen.tenant = request.caller.tenant
        if self._later is not None:
            if len(path) == 2 and path[0] == PATH:
                return await self._later.status(request)
            if b"prefer" in headers and request.prefer.later and self._may_wait(request):
                return await self._later.take(request, partial(self._settled, scope))
        return await self._carry_out(request)

    async def _terminology(self, method: str, base: str) -> Response:
        said = await terminology_capabilities.statement(self._codes, base, self._capabilities.date)
        return _metadata(method, lambda: said)

    def _carry_out(self, request: Request) -> Awaitable[Response]:
        where = place(request.path)
        request.seen.interaction = INTERACTIONS.get((where.shape, request.method), UNKNOWN)
        if where.operation is not None:
            return self._operations.call(self._service, request, where)
        methods = ROUTES.get(where.shape, {})
        handler = methods.get(request.method)
        if handler is None:
            raise MethodNotAllowed(request.method, (*methods, "OPTIONS"))
        return handler(self._service, request)

    async def _settled(self, scope: Scope, request: Request) -> Response:
        """Its answer, also where it is an error: nobody waits for it."""
        try:
            return await self._carry_out(request)
        except Exception as error:
            return response_of(await self._told(scope, request.headers, error))

    def _may_wait(self, request: Request) -> bool:
        """Searches, histories, Bundles, and operations that say so. Others answer at once, which a
        preference allows (RFC 7240)."""
        where = place(request.path)
        if where.operation is not None:
            return self._operations.may_wait(where, request.path)
        return where.shape not in _SHORT and request.method in ROUTES.get(where.shape, {})

    async def _operate(self, request: Request, only_reading: bool) -> Response:
        where = place(request.path)
        return await self._operations.call(self._service, request, where, only_reading)

    def _caller(self, scope: Scope, headers: dict[bytes, bytes]) -> Caller:
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not token:
            raise Unauthenticated("Send a bearer token: 'Authorization: Bearer ...'.")
        caller = self._resolve(token.strip().decode("latin-1"))
        address = self._addressing.client(scope, headers)
        known = self._callers.get(address)
        if known is None or known[0] is not caller:
            if len(self._callers) >= _REMEMBERED:
                self._callers.clear()
            known = self._callers[address] = (caller, replace(caller, address=address))
        return known[1]


def _metadata(method: str, statement: Callable[[], bytes]) -> Response:
    if method == "OPTIONS":
        return Response(204, b"", list(_CORS))
    if method not in ("GET", "HEAD"):
        raise MethodNotAllowed(method, ("GET", "HEAD", "OPTIONS"))
    return Response(200, statement())


def _path(scope: Scope) -> tuple[str, ...]:
    """The parts below the root, decoded one by one, so that an encoded slash separates nothing."""
    raw = scope.get("raw_path")
    text: str = raw.decode("latin-1").partition("?")[0] if raw else scope["path"]
    below = text.removeprefix(ROOT).strip("/")
    if not below:
        return ()
    parts = below.split("/")
    return tuple(map(unquote, parts)) if raw and "%" in below else tuple(parts)


def _style(headers: dict[bytes, bytes], query: str) -> Style:
    accept = headers.get(b"accept", b"").decode("latin-1")
    if "_format" not in query and "_pretty" not in query:
        return negotiate(accept, None, None)
    asked: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        asked.setdefault(name, unquote(value))
    return negotiate(accept, asked.get("_format"), asked.get("_pretty"))
