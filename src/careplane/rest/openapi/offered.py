"""FHIR operations as OpenAPI operations: `$everything` and the like, whoever offers them."""

from __future__ import annotations

from careplane.fhir.definitions import OperationParameter, is_primitive
from careplane.fhir.tree import Tree
from careplane.rest.openapi.interactions import refusals
from careplane.rest.openapi.parameters import refs
from careplane.rest.openapi.parts import REFUSALS, content, headers_of
from careplane.rest.operation import Operation

_REFUSED = ("404", "405", "409", "410", "412", "415", "501")


def methods(operation: Operation, name: str, tag: str) -> Tree:
    """The path item of an operation: GET where it may call it, POST always."""
    item: Tree = {"post": _posted(operation, name, tag)}
    if operation.by_get:
        item["get"] = _got(operation, name, tag)
    return item


def _got(operation: Operation, name: str, tag: str) -> Tree:
    taken = [_parameter(p) for p in operation.definition.parameters if _is_plain(p)]
    return {
        **_head(operation, "get", name, tag),
        "parameters": [*taken, *refs("_format", "_pretty")],
        "responses": _answers(operation),
    }


def _posted(operation: Operation, name: str, tag: str) -> Tree:
    return {
        **_head(operation, "post", name, tag),
        "parameters": refs("_format", "_pretty"),
        "requestBody": {"content": {**content("Resource"), **_plain(*sorted(operation.bodies))}},
        "responses": _answers(operation),
    }


def _head(operation: Operation, method: str, name: str, tag: str) -> Tree:
    taken = [p.name for p in operation.definition.parameters if p.use == "in"]
    text = f"{operation.definition.url}. Takes {', '.join(taken) or 'no parameters'}"
    code = "".join(part.title() for part in operation.name.split("-"))
    return {
        "tags": [tag],
        "operationId": f"{method}{code}{name}",
        "summary": f"${operation.name}",
        "description": f"{text}, in the address or as Parameters.",
    }


def _is_plain(parameter: OperationParameter) -> bool:
    return parameter.use == "in" and is_primitive(parameter.type)


def _parameter(parameter: OperationParameter) -> Tree:
    text: Tree = {"type": "string"}
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.type,
        **({"required": True} if parameter.min else {}),
        "schema": text if parameter.max == 1 else {"type": "array", "items": text},
    }


def _plain(*media: str) -> Tree:
    """Bodies that are no resources."""
    return {one: {"schema": {"type": "object" if "json" in one else "string"}} for one in media}


def _answers(operation: Operation) -> Tree:
    """With a media type of its own an operation says what is wrong in that form, once it is called;
    before that the refusal is an OperationOutcome."""
    refused = refusals(*_REFUSED) | {
        str(status): {"description": REFUSALS[str(status)], "content": content("Resource")}
        for status in operation.bundled
    }
    if not operation.answers:
        return _answered(operation, content("Resource")) | refused
    own = _plain(operation.answers)
    said = {
        status: {"description": text, "content": content("OperationOutcome") | own}
        for status, text in REFUSALS.items()
        if status in refused
    }
    return _answered(operation, own) | said


def _answered(operation: Operation, content: Tree) -> Tree:
    return {str(status): _answer(status, content) for status in operation.statuses}


def _answer(status: int, content: Tree) -> Tree:
    if status == 200:
        return {"description": "As asked.", "content": content}
    text = "Begun; Content-Location says where to ask how it is."
    return {"description": text, "headers": headers_of("Content-Location"), "content": content}
