"""MCP over HTTP (Streamable HTTP): one address, each message a POST of its own, each answer one
JSON object. Nothing is sent by itself, so there is no stream to open.

Who asks is settled before a body is read: by Origin, against pages of other sites (DNS rebinding),
and by the bearer token.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter

import msgspec

from careplane.access.caller import Caller, nobody
from careplane.interop.mcp import headers as repeated
from careplane.interop.mcp import messages, protected
from careplane.interop.mcp.messages import Message, Refused
from careplane.interop.mcp.server import Server, check_meta, negotiated, unsupported
from careplane.interop.mcp.sessions import Sessions
from careplane.interop.mcp.versions import LEGACY, MODERN
from careplane.kernel.errors import (
    CareplaneError,
    Forbidden,
    NotAcceptable,
    Unauthenticated,
    UnsupportedMedia,
)
from careplane.records.audited import is_audited
from careplane.rest import body
from careplane.rest.addressing import Addressing
from careplane.rest.guarded import GUARDED
from careplane.rest.negotiate import media_type
from careplane.rest.oauth.addresses import Addresses, addresses
from careplane.rest.outcome import MethodNotAllowed, response_of
from careplane.rest.request import Receive, Request, Scope, Send
from careplane.rest.response import Header
from careplane.rest.watch import Seen, Watch, nobody_watches

_SESSION = b"mcp-session-id"
_JSON: Header = (b"content-type", b"application/json")
_ALWAYS: tuple[Header, ...] = ((b"cache-control", b"no-store"), *GUARDED, (b"vary", b"Origin"))
_EXPOSED: Header = (b"access-control-expose-headers", b"Mcp-Session-Id, WWW-Authenticate")
_STATUS = {
    messages.METHOD_NOT_FOUND: 404,
    messages.INTERNAL_ERROR: 500,
}
"""Of errors of JSON-RPC; all others are 400."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes out."""

    status: int
    body: bytes = b""
    headers: tuple[Header, ...] = ()


_PREFLIGHT = Answer(
    204,
    headers=(
        (b"access-control-allow-methods", b"POST, OPTIONS"),
        (
            b"access-control-allow-headers",
            b"Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, "
            b"Mcp-Method, Mcp-Name",
        ),
        (b"access-control-max-age", b"3600"),
    ),
)


class Endpoint:
    """The ASGI application of `/mcp` and of its metadata. `resolve` turns a bearer token into its
    caller; `origins` are sites whose pages may ask besides our own; `limit` is the largest body in
    bytes; `watch` is told of every request."""

    def __init__(
        self,
        server: Server,
        sessions: Sessions,
        resolve: Callable[[str], Caller],
        addressing: Addressing,
        origins: frozenset[str],
        limit: int,
        watch: Watch = nobody_watches,
    ) -> None:
        self._server = server
        self._sessions = sessions
        self._resolve = resolve
        self._addressing = addressing
        self._origins = origins
        self._limit = limit
        self._watch = watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        there = addresses(self._addressing, self._addressing.base(scope, headers))
        caller = nobody(self._addressing.client(scope, headers))
        allowed: tuple[Header, ...] = ()
        try:
            allowed = self._allowed(scope, headers, there)
            method = _method(scope)
            if method == "POST":
                caller = self._caller(scope, headers)
                answer = await self._answer(headers, receive, there, caller)
            else:
                answer = _PREFLIGHT if method == "OPTIONS" else _metadata(there)
        except Exception as error:
            told = await self._told(scope, caller, error)
            answer = _failed(told, there, sent=b"authorization" in headers)
        sent = [*_ALWAYS, *allowed, *answer.headers]
        if answer.body:
            sent.append(_JSON)
        if answer.status != 204:
            sent.append((b"content-length", b"%d" % len(answer.body)))
        self._watch(Seen("mcp", int(caller.tenant)), answer.status, perf_counter() - began)
        await send({"type": "http.response.start", "status": answer.status, "headers": sent})
        content = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": content})

    async def _answer(
        self,
        headers: dict[bytes, bytes],
        receive: Receive,
        there: Addresses,
        caller: Caller,
    ) -> Answer:
        _check_forms(headers)
        request = Request("POST", (), "", headers, there.root, caller, receive, Seen())
        message = messages.read(await body.content(request, self._limit))
        return await self._said(headers, caller, message)

    async def _said(self, headers: dict[bytes, bytes], caller: Caller, message: Message) -> Answer:
        version = headers.get(repeated.VERSION, b"").decode("latin-1")
        if message.version is not None or version not in ("", *LEGACY):
            return await self._modern(headers, version, caller, message)
        if message.method == "initialize" and message.id is not None:
            session = self._sessions.open(caller, negotiated(message.params))
            said = await self._server.legacy(caller, message)
            return Answer(200, said, ((_SESSION, session.encode()),))
        session_id = headers.get(_SESSION)
        if session_id is None:
            text = "Mcp-Session-Id is missing; begin with initialize, or name the version in _meta."
            raise Refused(messages.INVALID_REQUEST, text, id=message.id)
        settled = self._sessions.version(caller, session_id.decode("latin-1"))
        if version not in ("", settled):
            text = f"MCP-Protocol-Version is {settled} in this session."
            raise Refused(messages.INVALID_REQUEST, text, id=message.id)
        if message.id is None:
            return Answer(202)
        try:
            return Answer(200, await self._server.legacy(caller, message))
        except Refused as error:  # a status of 404 would mean that the session is over
            return Answer(200, messages.refusal(error))

    async def _modern(
        self, headers: dict[bytes, bytes], version: str, caller: Caller, message: Message
    ) -> Answer:
        if version not in ("", MODERN) and message.version in (None, version):
            raise unsupported(version, message.id)
        if message.id is None:
            return Answer(202)
        check_meta(message)
        repeated.check(headers, message)
        return Answer(200, await self._server.modern(caller, message))

    def _allowed(
        self, scope: Scope, headers: dict[bytes, bytes], there: Addresses
    ) -> tuple[Header, ...]:
        """Headers that let a page read the answer: everybody's the metadata; else a browser says
        which page asks, and ours may, and those of `origins`. What the Host header says counts for
        nothing where the settings do not say what this server is called. Raises Forbidden."""
        if scope["path"] == protected.METADATA:
            return ((b"access-control-allow-origin", b"*"),)
        origin = headers.get(b"origin")
        if origin is None:
            return ()
        named = origin.decode("latin-1")
        if named in self._origins or (there.known and named == _origin(there.root)):
            return ((b"access-control-allow-origin", origin), _EXPOSED)
        raise Forbidden(
            "Pages of this origin may not ask here; the operator names it in CAREPLANE_MCP_ORIGINS."
        )

    def _caller(self, scope: Scope, headers: dict[bytes, bytes]) -> Caller:
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not token:
            raise Unauthenticated("Send a bearer token: 'Authorization: Bearer ...'.")
        caller = self._resolve(token.strip().decode("latin-1"))
        return replace(caller, address=self._addressing.client(scope, headers))

    async def _told(self, scope: Scope, caller: Caller, error: Exception) -> Exception:
        """Every request that is refused leaves an audit record. The error to answer with: this
        one, unless that record cannot be kept."""
        if any(is_audited(one) for one in (error, error.__cause__) if one is not None):
            return error
        try:
            door = self._server.desk.door
            await door.refused(caller, scope["method"], scope["path"], error)
        except CareplaneError as unkept:
            return unkept
        return error


def _method(scope: Scope) -> str:
    """The method of a request, where its address offers it. Raises MethodNotAllowed."""
    is_metadata = scope["path"] == protected.METADATA
    offered = ("GET", "HEAD") if is_metadata else ("POST", "OPTIONS")
    method: str = scope["method"]
    if method not in offered:
        raise MethodNotAllowed(method, offered)
    return method


def _metadata(there: Addresses) -> Answer:
    return Answer(200, msgspec.json.encode(protected.metadata(there)))


def _failed(error: Exception, there: Addresses, *, sent: bool) -> Answer:
    """An answer without a result, which says why in JSON-RPC."""
    if isinstance(error, Refused):
        return Answer(_STATUS.get(error.number, 400), messages.refusal(error))
    response = response_of(error)
    more = [header for header in response.headers if header[0] != b"www-authenticate"]
    if isinstance(error, Unauthenticated):
        more.append(protected.challenge(there, sent=sent))
    text = str(error) if isinstance(error, CareplaneError) else messages.FAULT
    is_ours = response.status >= 500
    number = messages.INTERNAL_ERROR if is_ours else messages.INVALID_REQUEST
    said = Refused(number, text, msgspec.Raw(response.body))
    return Answer(response.status, messages.refusal(said), tuple(more))


def _check_forms(headers: dict[bytes, bytes]) -> None:
    """JSON comes, JSON goes. Raises UnsupportedMedia, NotAcceptable."""
    if media_type(headers.get(b"content-type", b"").decode("latin-1")) != "application/json":
        raise UnsupportedMedia("Messages are sent as application/json.")
    accepted = headers.get(b"accept", b"*/*").decode("latin-1").lower()
    if not any(form in accepted for form in ("application/json", "application/*", "*/*")):
        raise NotAcceptable("Answers are application/json; Accept must have it.")


def _origin(root: str) -> str:
    """Scheme, name and port of an address (RFC 6454), which may have a path."""
    scheme, _, rest = root.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"
