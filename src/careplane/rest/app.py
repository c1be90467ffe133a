"""The ASGI application of `/fhir`: caller, address, interaction, answer, in this order.

Plain ASGI and no framework in between, since a read costs less than a framework's own objects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import unquote

from careplane.access.caller import Caller
from careplane.kernel.errors import Incorrect, NotAcceptable, NotFound, Unauthenticated
from careplane.rest import body
from careplane.rest.addressing import Addressing
from careplane.rest.interactions.capabilities import Capabilities
from careplane.rest.negotiate import Form, Style, negotiate
from careplane.rest.operation import Call, Operation, values_of
from careplane.rest.outcome import MethodNotAllowed, response_of
from careplane.rest.render import render
from careplane.rest.request import Receive, Request, Scope, Send
from careplane.rest.response import Response
from careplane.rest.routes import ROUTES, Place, place
from careplane.rest.service import Service

Resolve = Callable[[str], Caller]
_ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_CORS = (
    (b"access-control-allow-methods", ", ".join(_ALL_METHODS).encode()),
    (
        b"access-control-allow-headers",
        b"Authorization, Content-Type, Accept, Prefer, If-Match, If-None-Match, If-None-Exist, "
        b"If-Modified-Since",
    ),
    (b"access-control-max-age", b"3600"),
)


class Fhir:
    """FHIR over HTTP. `resolve` turns a bearer token into its caller; `operations` are those of
    this room and of features alike."""

    def __init__(
        self,
        service: Service,
        resolve: Resolve,
        capabilities: Capabilities,
        operations: Sequence[Operation],
        addressing: Addressing,
    ) -> None:
        self._service = service
        self._resolve = resolve
        self._capabilities = capabilities
        self._addressing = addressing
        self._operations: dict[str, tuple[Operation, ...]] = {}
        for operation in operations:
            others = self._operations.get(operation.name, ())
            self._operations[operation.name] = (*others, operation)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Whatever goes wrong is an OperationOutcome."""
        style = Style()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            request = self._request(scope, headers, receive)
            style = _style(request)
            response = await self._answer(request)
        except NotAcceptable as error:
            response = response_of(error)
        except Exception as error:
            response = response_of(error)
        sent, content = render(response, style, b"gzip" in headers.get(b"accept-encoding", b""))
        await send({"type": "http.response.start", "status": response.status, "headers": sent})
        if scope["method"] == "HEAD":
            content = b""
        await send({"type": "http.response.body", "body": content})
