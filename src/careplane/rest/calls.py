"""Calls of operations: which one an address names, at which level, by which method (R4, 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

from careplane.fhir.codec import json, xml
from careplane.kernel.errors import NotFound, Unsupported
from careplane.rest import body
from careplane.rest.negotiate import Form, form_of, media_type
from careplane.rest.operation import Call, Operation, values_of
from careplane.rest.outcome import MethodNotAllowed
from careplane.rest.request import Request
from careplane.rest.response import Response
from careplane.rest.routes import Place
from careplane.rest.service import Service

_LEVEL = {
    "$": "system", "Type/$": "type", "Type/id/$": "instance", "Type/id/_history/vid/$": "version",
}  # fmt: skip


class Operations:
    """Those that are offered, by name."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._by_name: dict[str, tuple[Operation, ...]] = {}
        for operation in operations:
            others = self._by_name.get(operation.name, ())
            self._by_name[operation.name] = (*others, operation)

    async def call(
        self, service: Service, request: Request, where: Place, only_reading: bool = False
    ) -> Response:
        """Find it and call it. GET only where it may call it."""
        type, id = (*request.path[:-1], None, None)[:2]
        operation = self._find(where, type)
        request.seen.interaction = f"${operation.name}"
        if only_reading and operation.changes:
            raise Unsupported("An operation that changes something cannot be undone: use a batch.")
        allowed = ("GET", "POST") if operation.by_get else ("POST",)
        if request.method not in allowed:
            raise MethodNotAllowed(request.method, (*allowed, "OPTIONS"))
        values: tuple[tuple[str, object], ...] = request.pairs
        resource = b""
        if request.method == "POST":
            sent, resource = await _sent(service, request, operation.bodies)
            values = (*values, *sent)
        return await operation.handler(Call(service, request, type, id, values, resource))

    def may_wait(self, where: Place, path: tuple[str, ...]) -> bool:
        """Whether the operation at this address is one to carry out later."""
        return self._find(where, (*path[:-1], None)[0]).later

    def _find(self, where: Place, type: str | None) -> Operation:
        level = _LEVEL.get(where.shape)
        for operation in self._by_name.get(where.operation or "", ()):
            if level and operation.serves(level, type):
                return operation
        raise NotFound(f"There is no operation ${(where.operation or '')[:64]} at this address.")


async def _sent(
    service: Service, request: Request, bodies: frozenset[str]
) -> tuple[tuple[tuple[str, object], ...], bytes]:
    raw = await body.content(request, service.limit)
    if not raw:
        return (), b""
    media = media_type(request.header(b"content-type") or "")
    if media in bodies:
        return (), raw
    form = form_of(media)
    return values_of(json.dump(xml.parse(raw)) if form is Form.XML else raw)
