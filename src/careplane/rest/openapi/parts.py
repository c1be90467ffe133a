"""What all addresses share: security, headers, schemas and answers, under `components`.

Schemas of resources are compact: `resourceType`, `id`, `meta`, and anything else. The whole rules
of a type are those of FHIR, which `$validate` applies; a generator of code takes them from there.
"""

from __future__ import annotations

from careplane.fhir.tree import Tree
from careplane.rest.negotiate import Form
from careplane.search.kinds import SYNTAX

JSON, XML = Form.JSON.value, Form.XML.value
_ID = "^[A-Za-z0-9\\-\\.]{1,64}$"
_TEXT: Tree = {"type": "string"}

REFUSALS: dict[str, str] = {
    "400": "The request is wrong: not FHIR, against the rules of its type, or not understood.",
    "401": "No bearer token, or one that is not good.",
    "403": "The scopes of the token do not allow this.",
    "404": "No such resource, version, type or operation, or none that the token may know of.",
    "405": "The address is right and the method is not.",
    "406": "No representation that the client accepts.",
    "409": "The state of the record is in the way.",
    "410": "The resource has been deleted.",
    "412": "A condition of the request does not hold, or its criteria match several resources.",
    "413": "More bytes, levels or entries than this server takes.",
    "415": "A content type or character set that this server does not read.",
    "422": "Valid, but against a rule of what it is about, as half a step of a Task.",
    "429": "Of what this client asked for, enough is under way.",
    "500": "The server failed.",
    "501": "Understood, and not offered here.",
    "503": "Come again later; Retry-After says when.",
    "507": "This institution has stored as much as its quota allows.",
}
"""Status -> what it means (`rest.outcome.STATUS`)."""


def ref(kind: str, name: str) -> Tree:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def content(schema: str) -> Tree:
    """A resource in both of its forms. What XML looks like, JSON Schema cannot say."""
    return {JSON: {"schema": ref("schemas", schema)}, XML: {}}


def resource(type: str) -> Tree:
    """The compact schema of a type."""
    return {
        "type": "object",
        "required": ["resourceType"],
        "properties": {
            "resourceType": {"const": type},
            "id": ref("schemas", "id"),
            "meta": ref("schemas", "Meta"),
        },
    }


def schemas() -> Tree:
    """Of what every document needs; those of its types are added."""
    return {
        "id": {"type": "string", "pattern": _ID},
        "Meta": {
            "type": "object",
            "properties": {
                "versionId": _TEXT,
                "lastUpdated": _TEXT | {"format": "date-time"},
                "profile": {"type": "array", "items": _TEXT},
                "security": {"type": "array", "items": {"type": "object"}},
                "tag": {"type": "array", "items": {"type": "object"}},
            },
        },
        "Resource": {
            "type": "object",
            "required": ["resourceType"],
            "properties": {"resourceType": _TEXT},
        },
        "Bundle": _with("Bundle", type=_TEXT, link=_objects(), entry=_objects()),
        "Parameters": _with("Parameters", parameter=_objects()),
        "CapabilityStatement": resource("CapabilityStatement"),
        "OperationOutcome": _outcome(),
        "Criteria": {"type": "object", "additionalProperties": _TEXT},
        "JsonPatch": _json_patch(),
        **{f"search-{type}": _searched(text) for type, text in SYNTAX.items()},
    }


def _with(type: str, /, **properties: Tree) -> Tree:
    schema = resource(type)
    return {**schema, "properties": {**schema["properties"], **properties}}


def _objects() -> Tree:
    return {"type": "array", "items": {"type": "object"}}


def _outcome() -> Tree:
    issue: Tree = {
        "type": "object",
        "required": ["severity", "code"],
        "properties": {
            "severity": {"enum": ["fatal", "error", "warning", "information"]},
            "code": _TEXT,
            "diagnostics": _TEXT,
            "expression": {"type": "array", "items": _TEXT},
        },
    }
    found = _with("OperationOutcome", issue={"type": "array", "items": issue, "minItems": 1})
    return found | {"required": ["resourceType", "issue"]}


def _json_patch() -> Tree:
    names = ["add", "remove", "replace", "move", "copy", "test"]
    step: Tree = {
        "type": "object",
        "required": ["op", "path"],
        "properties": {"op": {"enum": names}, "path": _TEXT, "from": _TEXT, "value": {}},
    }
    return {"type": "array", "items": step}


def _searched(text: str) -> Tree:
    return {"type": "array", "items": _TEXT, "description": text}


def headers() -> Tree:
    """Of answers."""
    return {
        "ETag": _header('The version, such as W/"3"; send it back in If-Match.'),
        "Last-Modified": _header("When this version was written."),
        "Location": _header("The address of the version that was written."),
        "Content-Location": _header("Where to ask how the work that was begun is going."),
        "Retry-After": _header("Seconds to wait."),
        "Allow": _header("The methods of this address."),
        "WWW-Authenticate": _header("How to say who is asking."),
    }


def _header(text: str) -> Tree:
    return {"description": text, "schema": _TEXT}


_OF_REFUSALS = {"401": "WWW-Authenticate", "405": "Allow", "503": "Retry-After"}


def responses() -> Tree:
    """The refusals: an OperationOutcome each, whose diagnostics say what to do."""
    return {
        status: {
            "description": text,
            "content": content("OperationOutcome"),
            **({"headers": headers_of(_OF_REFUSALS[status])} if status in _OF_REFUSALS else {}),
        }
        for status, text in REFUSALS.items()
    }


def headers_of(*names: str) -> Tree:
    """References to headers."""
    return {name: ref("headers", name) for name in names}


SECURITY: Tree = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token from `careplane token` or the authorization server. Its SMART "
        "scopes (such as system/Patient.rs) say what it opens.",
    }
}
