"""`$graphql`, of the system and of one resource (FHIR R4, Resource-graphql and graphql.html).

Pure functions in `fhir.graphql` say what the answer is and what is needed for it; here it is
fetched, round by round, through the door. Answers and errors are GraphQL's own JSON.
"""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec import Struct

from careplane.fhir.codec import json
from careplane.fhir.graphql import QUERY, Budget, Selection, check, read, walk
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock
from careplane.kernel.errors import CareplaneError, Incorrect, Malformed, TooLarge
from careplane.records.audited import is_audited
from careplane.rest.negotiate import media_type
from careplane.rest.operation import Call, Operation, definition, values_of
from careplane.rest.outcome import outcome, status_of
from careplane.rest.resolving import Resolving
from careplane.rest.response import Response

_JSON = "application/json"
_MEDIA = f"{_JSON}; charset=utf-8"
_BODIES = frozenset({"application/graphql", _JSON})
_KNOWN = ("query", "operationName", "variables", "extensions", "_format", "_pretty")
_MOST_ROUNDS = 20


class Asked(Struct, frozen=True):
    """A request for GraphQL, however it was sent (GraphQL over HTTP)."""

    query: str
    operation: str | None = None
    variables: Tree = {}


def operations(clock: Clock) -> tuple[Operation, ...]:
    """`$graphql`. The clock tells FHIRPath what `now()` is."""

    async def handler(call: Call) -> Response:
        return await graphql(call, clock)

    of = definition("Resource-graphql")
    return (Operation(of, handler, bodies=_BODIES, answers=_JSON),)


async def graphql(call: Call, clock: Clock) -> Response:
    """The graph, or what is wrong, as GraphQL says it: `data` and `errors`."""
    try:
        asked = _asked(call)
        selections = read(asked.query, asked.operation, asked.variables)
        check(selections, call.type or QUERY)
        graph = await _answer(call, selections, Budget(clock()))
    except CareplaneError as error:
        request = call.request
        if not is_audited(error):
            path = "/" + "/".join(request.path)
            await call.service.door.refused(request.caller, request.method, path, error)
        return _refusal(error)
    return Response(200, json.dump({"data": graph}), media=_MEDIA)


async def _answer(call: Call, selections: tuple[Selection, ...], budget: Budget) -> Tree:
    resolving = Resolving(call.service, call.request)
    focus = await resolving.read(call.type, call.id) if call.type and call.id else None
    for _ in range(_MOST_ROUNDS):
        graph, wanted = walk(selections, focus, resolving.known, budget, call.request.base)
        if not wanted:
            return graph
        await asyncio.sleep(0)  # others may go in between
        await resolving.fetch(wanted)
    raise TooLarge(f"A query follows at most {_MOST_ROUNDS} references one after another.")


def _asked(call: Call) -> Asked:
    call.refuse_others(*_KNOWN)
    media = media_type(call.request.header(b"content-type") or "") if call.resource else ""
    if media == "application/graphql":
        return _of_parameters(call, _text(call.resource))
    if call.resource:
        return _of_json(call.resource)
    return _of_parameters(call, call.text("query"))


def _of_parameters(call: Call, query: str | None) -> Asked:
    """From the address or a Parameters resource; the variables are JSON in a text."""
    written = call.text("variables")
    return _checked(
        query,
        call.text("operationName"),
        json.parse(written.encode()) if written else None,
    )


def _of_json(raw: bytes) -> Asked:
    body = json.parse(raw)
    if body.get("resourceType") == "Parameters":
        found = dict(values_of(raw)[0])
        return _checked(found.get("query"), found.get("operationName"), None)
    for name in body:
        if name not in _KNOWN:
            raise Incorrect(f"{name[:64]!r} is no member of a GraphQL request.")
    return _checked(body.get("query"), body.get("operationName"), body.get("variables"))


def _checked(query: Any, operation: Any, variables: Any) -> Asked:
    if not isinstance(query, str) or not query.strip():
        raise Incorrect("Send a query: as parameter or in the body, by GET or POST.")
    if operation is not None and not isinstance(operation, str):
        raise Incorrect("operationName is a text.")
    if variables is not None and not isinstance(variables, dict):
        raise Incorrect("variables is an object.")
    return Asked(query, operation or None, variables or {})


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("The query is not UTF-8.") from None


def _refusal(error: CareplaneError) -> Response:
    """One error for each issue, each with its OperationOutcome (graphql.html, Error Handling)."""
    told = [
        {
            "message": issue.text,
            "extensions": {"resource": json.parse(outcome((issue,)))},
        }
        for issue in error.issues
    ]
    return Response(status_of(error), json.dump({"data": None, "errors": told}), media=_MEDIA)
