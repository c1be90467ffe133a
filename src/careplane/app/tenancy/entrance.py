"""The way in: from an address to its institution, before anything else looks at a request.

`/t/NAME/fhir`, `/t/NAME/oauth` and `/t/NAME/mcp` on the installation's own address, or everything,
the pages too, on a host name of the institution's own. The prefix is taken off, so that whatever
comes after works alike for all; `rest.addressing` puts it back into every address that goes out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from careplane.access.caller import nobody
from careplane.access.tenants.institution import Institution
from careplane.access.tenants.known import Tenants
from careplane.app.dispatch import App, Receive, Scope, Send
from careplane.app.operations import health
from careplane.app.tenancy.here import Here
from careplane.app.tenancy.pace import Pace
from careplane.interop.mcp.protected import METADATA as PROTECTED
from careplane.interop.mcp.protected import PATH
from careplane.kernel.errors import CareplaneError, NotFound, TooMany
from careplane.records.door import Door
from careplane.rest.addressing import OWN, PLACE, ROOT, Addressing, Place
from careplane.rest.negotiate import Style
from careplane.rest.oauth.addresses import METADATA, OPENID
from careplane.rest.outcome import response_of
from careplane.rest.render import render

_PREFIX = "/t/"
_BELOW = (f"{ROOT}/", "/oauth/")
_ALSO = frozenset({ROOT, PATH, PROTECTED, METADATA, OPENID})
_NOWHERE = "There is nothing at this address."
_POLICY = 1008


class Entrance:
    """The outermost application."""

    def __init__(
        self,
        inner: App,
        tenants: Tenants,
        here: Here,
        addressing: Addressing,
        pace: Pace,
        door: Door,
    ) -> None:
        self._inner = inner
        self._door = door
        self._tenants = tenants
        self._here = here
        self._addressing = addressing
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hold one websocket."""
        path, tenants = scope["path"], self._tenants
        if path in health.PATHS:
            await self._inner(scope, receive, send)
            return
        place, inside = OWN, scope
        try:
            if tenants.is_stale():
                await tenants.look()
            if tenants.has_hosts or path.startswith(_PREFIX):
                place, inside = self._placed(scope)
            if tenants.has_quotas:
                self._pace.take(place.tenant)
        except CareplaneError as error:
            await self._refuse(scope, receive, send, error)
            return
        entered = self._here.enter(place.tenant)
        try:
            await self._inner(inside, receive, send)
        finally:
            self._here.leave(entered)

    async def _refuse(
        self, scope: Scope, receive: Receive, send: Send, error: CareplaneError
    ) -> None:
        """With a record in the audit trail, unless it is one of too many."""
        if not isinstance(error, TooMany):
            caller = nobody(self._addressing.client(scope, dict(scope["headers"])))
            try:
                method = scope.get("method", "websocket")
                await self._door.refused(caller, method, scope["path"], error)
            except CareplaneError as unkept:
                error = unkept
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _POLICY})
            return
        response = response_of(error)
        headers, body = render(response, Style(), gzip=False)
        start = {"type": "http.response.start", "status": response.status, "headers": headers}
        await send(start)
        body = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": body})

    def _placed(self, scope: Scope) -> tuple[Place, Scope]:
        """Whose address it is, and the scope as it stands below that. Raises NotFound for an
        address of no institution, which is all that is said of one that is disabled."""
        if self._tenants.has_hosts:
            host = self._addressing.host(dict(scope["headers"]))
            if self._tenants.is_closed(host):
                raise NotFound(_NOWHERE)
            own = self._tenants.by_host(host)
            if own is not None:
                place = _at_host(own)
                return place, {**scope, PLACE: place}
        path: str = scope["path"]
        if not path.startswith(_PREFIX):
            return OWN, scope
        name = path[len(_PREFIX) :].partition("/")[0]
        found = self._tenants.by_name(name)
        if found is None:
            raise NotFound(_NOWHERE)
        below = path.removeprefix(found.root)
        if below not in _ALSO and not below.startswith(_BELOW):
            raise NotFound(_NOWHERE)
        place = Place(found.tenant, found.root)
        return place, {**scope, PLACE: place, "path": below, **_raw(scope, found)}


def usual(institution: Institution) -> Place:
    """The address that an institution is known by where no request says another."""
    if institution.host:
        return _at_host(institution)
    return Place(institution.tenant, institution.root)


def _at_host(institution: Institution) -> Place:
    return Place(institution.tenant, "", institution.host)


def _raw(scope: Scope, institution: Institution) -> Mapping[str, Any]:
    """The path as it was sent, below the prefix. Where that was not sent as it is, but encoded,
    nothing is there."""
    raw = scope.get("raw_path")
    return {"raw_path": raw[len(institution.root) :]} if raw else {}
