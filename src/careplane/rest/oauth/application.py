"""The ASGI application of the addresses of the authorization server.

Whatever a request comes to is in the audit trail before the answer leaves, but for failures of an
address that has been told to slow down (`access.smart.attempts`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

import msgspec

from careplane.access.caller import nobody
from careplane.access.smart.attempts import Attempts
from careplane.access.smart.client import Client
from careplane.access.smart.refusal import Refused
from careplane.access.smart.server import AuthorizationServer
from careplane.kernel.errors import Busy, CareplaneError
from careplane.kernel.observe import describe
from careplane.records.audited import is_audited
from careplane.records.commands import Note
from careplane.records.door import Door
from careplane.rest.addressing import Addressing
from careplane.rest.oauth.addresses import DISCOVERY, INTROSPECT, REVOKE, TOKEN, addresses
from careplane.rest.oauth.discovery import configuration
from careplane.rest.oauth.form import read_form
from careplane.rest.request import Receive, Scope, Send
from careplane.rest.response import Header

_log = logging.getLogger(__name__)
_ALWAYS: tuple[Header, ...] = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"pragma", b"no-cache"),
    (b"x-content-type-options", b"nosniff"),
    (b"access-control-allow-origin", b"*"),
)
_PREFLIGHT: tuple[Header, ...] = (
    (b"access-control-allow-headers", b"Authorization, Content-Type, Accept"),
    (b"access-control-max-age", b"3600"),
)
_METHODS: dict[str, tuple[str, ...]] = {
    DISCOVERY: ("GET", "HEAD"),
    TOKEN: ("POST",),
    INTROSPECT: ("POST",),
    REVOKE: ("POST",),
}
PATHS = frozenset(_METHODS)
Answer = tuple[int, object, list[Header]]


class OAuth:
    """Answers at `PATHS`. A credential is never in the trail, in a log or in an answer."""

    def __init__(
        self,
        server: AuthorizationServer,
        attempts: Attempts,
        door: Door,
        addressing: Addressing,
    ) -> None:
        self._server = server
        self._attempts = attempts
        self._door = door
        self._addressing = addressing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            status, said, more = await self._answer(scope, headers, receive)
        except Exception as error:
            status, said, more = await self._failed(scope, headers, error)
        body = b"" if said is None else msgspec.json.encode(said)
        sent = [*_ALWAYS, *more, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        body = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> Answer:
        methods = _METHODS[scope["path"]]
        allow = ", ".join((*methods, "OPTIONS")).encode()
        if scope["method"] == "OPTIONS":
            return 204, None, [*_PREFLIGHT, (b"access-control-allow-methods", allow)]
        if scope["method"] not in methods:
            return (
                405,
                _error("invalid_request", "This method is not offered."),
                [(b"allow", allow)],
            )
        there = addresses(self._addressing, self._addressing.base(scope, headers))
        if scope["path"] == DISCOVERY:
            return 200, configuration(there), []
        form = await read_form(headers, scope.get("query_string", b""), receive)
        basic = headers.get(b"authorization", b"").decode("latin-1")
        client = await self._server.authenticate(form, basic, there.audience)
        address = self._addressing.client(scope, headers)
        return 200, await self._done(scope["path"], client, form, address), []

    async def _done(
        self, path: str, client: Client, form: Mapping[str, str], address: str
    ) -> object:
        """What an endpoint answers, noted in the trail under the client's name."""
        caller = replace(client.caller(frozenset()), address=address)
        said: object
        if path == TOKEN:
            said, granted = await self._server.token(client, form)
            noted = Note("oauth-token", " ".join(sorted(map(str, granted.scopes))))
        elif path == INTROSPECT:
            said = await self._server.introspect(client, form)
            noted = Note("oauth-introspect", str(said.get("jti", "")))
        else:
            said, noted = {}, Note("oauth-revoke", await self._server.revoke(client, form))
        await self._door.note(caller, noted)
        return said

    async def _failed(self, scope: Scope, headers: dict[bytes, bytes], error: Exception) -> Answer:
        address = self._addressing.client(scope, headers)
        late = self._attempts.failed(address) if isinstance(error, Refused) else 0
        if late:
            wait = (b"retry-after", str(late).encode())
            return 429, _error("slow_down", "Too many failures from this address."), [wait]
        if not is_audited(error):
            try:
                await self._door.refused(nobody(address), scope["method"], scope["path"], error)
            except CareplaneError as unkept:
                error = unkept
        return _answer_to(error)


def _answer_to(error: Exception) -> Answer:
    """RFC 6749, 5.2; the two codes for what is not the client's fault are those of 4.1.2.1."""
    if isinstance(error, Refused):
        said = _error(error.error, error.text)
        if error.error == "invalid_client":
            return 401, said, [(b"www-authenticate", b'Basic realm="Careplane"')]
        return 400, said, []
    if isinstance(error, Busy):
        return 503, _error("temporarily_unavailable", error.text), [(b"retry-after", b"1")]
    _log.error("A request for a token failed: %s", describe(error))
    return 500, _error("server_error", "The server failed; the operator finds why in its log."), []


def _error(code: str, text: str) -> dict[str, str]:
    """The characters of a description are those of RFC 6749, 5.2."""
    said = "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in text)
    return {"error": code, "error_description": said}
