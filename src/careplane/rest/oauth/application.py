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
from careplane.access.smart.enrolling import Enrolling
from careplane.access.smart.launch.exchange import STYLE
from careplane.access.smart.launch.signing import SigningKeys
from careplane.access.smart.refusal import Refused
from careplane.access.smart.server import AuthorizationServer
from careplane.kernel.errors import Busy, CareplaneError, Unauthenticated
from careplane.kernel.observe import describe
from careplane.records.audited import is_audited
from careplane.records.commands import Note
from careplane.records.door import Door
from careplane.rest.addressing import Addressing
from careplane.rest.guarded import GUARDED
from careplane.rest.oauth import discovery
from careplane.rest.oauth.addresses import (
    DISCOVERY,
    INTROSPECT,
    JWKS,
    METADATA,
    OPENID,
    REGISTER,
    REVOKE,
    TOKEN,
    USERINFO,
    Addresses,
    addresses,
)
from careplane.rest.oauth.form import read_form, read_json
from careplane.rest.request import Receive, Scope, Send
from careplane.rest.response import Header

_log = logging.getLogger(__name__)
_ALWAYS: tuple[Header, ...] = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"pragma", b"no-cache"),
    *GUARDED,
    (b"access-control-allow-origin", b"*"),
)
_PREFLIGHT: tuple[Header, ...] = (
    (b"access-control-allow-headers", b"Authorization, Content-Type, Accept"),
    (b"access-control-max-age", b"3600"),
)
_LOOK = ("GET", "HEAD")
_METHODS: dict[str, tuple[str, ...]] = {
    DISCOVERY: _LOOK,
    OPENID: _LOOK,
    METADATA: _LOOK,
    JWKS: _LOOK,
    STYLE: _LOOK,
    TOKEN: ("POST",),
    INTROSPECT: ("POST",),
    REVOKE: ("POST",),
    REGISTER: ("POST",),
    USERINFO: ("GET", "POST"),
}
PATHS = frozenset(_METHODS)
_CHALLENGES: dict[str, tuple[int, str]] = {
    "invalid_client": (401, 'Basic realm="Careplane"'),
    "invalid_token": (401, 'Bearer realm="Careplane", error="invalid_token"'),
    "insufficient_scope": (403, 'Bearer realm="Careplane", error="insufficient_scope"'),
}
"""RFC 6749, 5.2 and RFC 6750, 3; whatever else is wrong is a 400."""
Answer = tuple[int, object, list[Header]]


class OAuth:
    """Answers at `PATHS`. A credential is never in the trail, in a log or in an answer."""

    def __init__(
        self,
        server: AuthorizationServer,
        enrolling: Enrolling,
        keys: SigningKeys,
        attempts: Attempts,
        door: Door,
        addressing: Addressing,
    ) -> None:
        self._server = server
        self._enrolling = enrolling
        self._keys = keys
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
        replaced = {name for name, _ in more}
        always = [header for header in _ALWAYS if header[0] not in replaced]
        sent = [*always, *more, (b"content-length", b"%d" % len(body))]
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
        if methods == _LOOK:
            return await self._public(scope["path"], there)
        address = self._addressing.client(scope, headers)
        if scope["path"] == USERINFO:
            told, person = await self._server.userinfo(_bearer(headers), there.place)
            await self._door.note(replace(person, address=address), Note("oauth-userinfo", ""))
            return 200, told, []
        if scope["path"] == REGISTER:
            return 201, await self._registered(headers, receive, address), []
        form = await read_form(headers, scope.get("query_string", b""), receive)
        basic = headers.get(b"authorization", b"").decode("latin-1")
        client = await self._server.authenticate(form, basic, there.audience)
        return 200, await self._done(scope["path"], client, form, there, address), []

    async def _public(self, path: str, there: Addresses) -> Answer:
        """What anybody may read. Without an issuer there is no OpenID provider."""
        if path == DISCOVERY:
            return 200, discovery.configuration(there), []
        if path == STYLE:
            return 200, discovery.STYLE, []
        if not there.known:
            return 404, _error("not_found", "The operator has not set CAREPLANE_BASE_URL."), []
        if path == JWKS:
            return 200, await self._keys.published(), [(b"cache-control", b"max-age=3600")]
        return 200, discovery.provider(there), []

    async def _registered(
        self, headers: dict[bytes, bytes], receive: Receive, address: str
    ) -> object:
        metadata = await read_json(headers, receive)
        client, told = await self._enrolling.register(_bearer(headers), metadata)
        caller = replace(client.caller(frozenset()), address=address)
        await self._door.note(caller, Note("client-register", client.invitation))
        return told

    async def _done(
        self,
        path: str,
        client: Client,
        form: Mapping[str, str],
        there: Addresses,
        address: str,
    ) -> object:
        """What an endpoint answers, noted in the trail under the name of the client, or of the
        person that it acts for."""
        caller = replace(client.caller(frozenset()), address=address)
        said: object
        if path == TOKEN:
            said, granted = await self._server.token(client, form, there.place)
            words = " ".join(sorted(map(str, granted.scopes)))
            if granted.id != caller.id:
                caller, words = replace(granted, address=address), f"{caller.id} {words}"
            noted = Note("oauth-token", words)
        elif path == INTROSPECT:
            said = await self._server.introspect(client, form, there.place)
            noted = Note("oauth-introspect", str(said.get("jti", "")))
        else:
            said, noted = {}, Note("oauth-revoke", await self._server.revoke(client, form))
        await self._door.note(caller, noted)
        return said

    async def _failed(self, scope: Scope, headers: dict[bytes, bytes], error: Exception) -> Answer:
        address = self._addressing.client(scope, headers)
        wrong = isinstance(error, Refused | Unauthenticated)
        late = self._attempts.failed(address) if wrong else 0
        if late:
            wait = (b"retry-after", str(late).encode())
            return 429, _error("slow_down", "Too many failures from this address."), [wait]
        if not is_audited(error):
            try:
                await self._door.refused(nobody(address), scope["method"], scope["path"], error)
            except CareplaneError as unkept:
                error = unkept
        return _answer_to(error)


def _bearer(headers: dict[bytes, bytes]) -> str:
    """The token of a request (RFC 6750, 2.1). Raises Refused."""
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused("invalid_token", "Send the token as Authorization: Bearer.")
    return token.strip()


def _answer_to(error: Exception) -> Answer:
    """RFC 6749, 5.2; the two codes for what is not the client's fault are those of 4.1.2.1."""
    if isinstance(error, Unauthenticated):
        error = Refused("invalid_token", error.text)
    if isinstance(error, Refused):
        said = _error(error.error, error.text)
        status, challenge = _CHALLENGES.get(error.error, (400, ""))
        return status, said, [(b"www-authenticate", challenge.encode())] if challenge else []
    if isinstance(error, Busy):
        return 503, _error("temporarily_unavailable", error.text), [(b"retry-after", b"1")]
    _log.error("A request for a token failed: %s", describe(error))
    return 500, _error("server_error", "The server failed; the operator finds why in its log."), []


def _error(code: str, text: str) -> dict[str, str]:
    """The characters of a description are those of RFC 6749, 5.2."""
    said = "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in text)
    return {"error": code, "error_description": said}
