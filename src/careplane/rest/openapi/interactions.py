"""The interactions as OpenAPI operations: one table beside `routes.ROUTES`, which a test compares.

HEAD is answered wherever GET is, and OPTIONS everywhere; they are not written out.
"""

from __future__ import annotations

from dataclasses import dataclass

from careplane.fhir import patch
from careplane.fhir.tree import Tree
from careplane.rest import body
from careplane.rest.openapi.parameters import RESULTS, refs
from careplane.rest.openapi.parts import content, headers_of, ref

_ALWAYS = ("400", "401", "403", "406", "413", "500", "503")
_STYLE = ("_format", "_pretty")
_WRITES = (*_STYLE, "Prefer-return")
SEARCH = "?"
"""Stands among parameters for the search parameters of the type."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """One of them at one address. `answers` are statuses with the schema of their body, `{type}`
    standing for the type at hand; `refused` are statuses besides those that all may have."""

    code: str
    title: str
    answers: dict[str, str]
    refused: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    body: str = ""
    headers: tuple[str, ...] = ()


_VERSION = ("ETag", "Last-Modified")
_WRITTEN = (*_VERSION, "Location")
_STATE = ("404", "409", "410", "412", "415", "422", "501")
_SEARCHED = ("404", "501")

_SEARCH = Interaction("search", "Search {type}", {"200": "Bundle"}, _SEARCHED, (SEARCH, *RESULTS))
_POSTED = Interaction(
    "searchByPost", "Search {type}, parameters in a form", {"200": "Bundle"},
    (*_SEARCHED, "415"), ("_format", "_pretty", "Prefer-handling"), "form",
)  # fmt: skip
_HISTORY = Interaction(
    "history", "Versions of {type}, the latest first", {"200": "Bundle"}, ("404", "410"),
    ("_since", "_at", "_count", *_STYLE),
)  # fmt: skip

INTERACTIONS: dict[str, dict[str, Interaction]] = {
    "": {
        "GET": _SEARCH,
        "POST": Interaction(
            "process", "A batch or a transaction", {"200": "Bundle"}, _STATE,
            (*_STYLE, "Prefer"), "Bundle",
        ),
    },
    "_search": {"POST": _POSTED},
    "_history": {"GET": _HISTORY},
    "Type": {
        "GET": _SEARCH,
        "POST": Interaction(
            "create", "Create {type}", {"200": "{type}", "201": "{type}"}, _STATE,
            ("If-None-Exist", *_WRITES), "{type}", _WRITTEN,
        ),
        "PUT": Interaction(
            "updateMatch", "Update the {type} that matches, or create it",
            {"200": "{type}", "201": "{type}"}, _STATE, ("criteria", "If-Match", *_WRITES),
            "{type}", _WRITTEN,
        ),
        "PATCH": Interaction(
            "patchMatch", "Patch the {type} that matches", {"200": "{type}"}, _STATE,
            ("criteria", "If-Match", *_WRITES), "patch", _WRITTEN,
        ),
        "DELETE": Interaction(
            "deleteMatch", "Delete the {type} that matches", {"200": "OperationOutcome", "204": ""},
            _STATE, ("criteria", *_WRITES),
        ),
    },
    "Type/_search": {"POST": _POSTED},
    "Type/_history": {"GET": _HISTORY},
    "Type/id": {
        "GET": Interaction(
            "read", "Read {type}", {"200": "{type}", "304": ""}, ("404", "410"),
            ("_shape", "_elements", *_STYLE, "If-None-Match", "If-Modified-Since"), "", _VERSION,
        ),
        "PUT": Interaction(
            "update", "Update {type}, or create it under this id",
            {"200": "{type}", "201": "{type}"}, _STATE, ("If-Match", "If-None-Match", *_WRITES),
            "{type}", _WRITTEN,
        ),
        "PATCH": Interaction(
            "patch", "Patch {type}", {"200": "{type}"}, _STATE, ("If-Match", *_WRITES), "patch",
            _WRITTEN,
        ),
        "DELETE": Interaction(
            "delete", "Delete {type}; its history stays", {"200": "OperationOutcome", "204": ""},
            _STATE, ("If-Match", *_WRITES),
        ),
    },
    "Type/id/_history": {"GET": _HISTORY},
    "Type/id/_history/vid": {
        "GET": Interaction(
            "vread", "Read one version of {type}", {"200": "{type}", "304": ""}, ("404", "410"),
            ("_shape", "_elements", *_STYLE, "If-None-Match", "If-Modified-Since"), "", _VERSION,
        ),
    },
    "Type/id/*": {"GET": _SEARCH},
    "Type/id/*/_search": {"POST": _POSTED},
    "Type/id/Type": {"GET": _SEARCH},
    "Type/id/Type/_search": {"POST": _POSTED},
}  # fmt: skip


def operation(
    interaction: Interaction, name: str, type: str, searched: tuple[str, ...], tag: str
) -> Tree:
    """An interaction at an address, as OpenAPI has it. `type` is the schema of the resource."""
    names = [
        each for one in interaction.parameters for each in (searched if one == SEARCH else (one,))
    ]
    return {
        "tags": [tag],
        "operationId": interaction.code + name,
        "summary": interaction.title.replace("{type}", type if type != "Resource" else "all types"),
        **({"parameters": refs(*names)} if names else {}),
        **({"requestBody": _body(interaction.body, type)} if interaction.body else {}),
        "responses": {**_answers(interaction, type), **refusals(*interaction.refused)},
    }


def refusals(*more: str) -> Tree:
    """The errors that all may have, and more."""
    return {status: ref("responses", status) for status in sorted({*_ALWAYS, *more})}


def _answers(interaction: Interaction, type: str) -> Tree:
    return {
        status: {
            "description": _SAID[status] + (_MINIMAL if _may_be_empty(interaction, schema) else ""),
            **({"headers": headers_of(*interaction.headers)} if interaction.headers else {}),
            **({"content": _content(schema, type, interaction)} if schema else {}),
        }
        for status, schema in interaction.answers.items()
    }


def _may_be_empty(interaction: Interaction, schema: str) -> bool:
    return bool(schema) and "Prefer-return" in interaction.parameters


_MINIMAL = " No body with `Prefer: return=minimal`."
_SAID = {
    "200": "As asked.",
    "201": "Created.",
    "204": "Done; there is nothing to say.",
    "304": "The client has this version.",
}


def _content(schema: str, type: str, interaction: Interaction) -> Tree:
    """A write answers with an OperationOutcome where the client prefers so."""
    name = schema.replace("{type}", type)
    if "Prefer-return" in interaction.parameters and name == type:
        written = content(name)
        either = {"anyOf": [ref("schemas", name), ref("schemas", "OperationOutcome")]}
        return written | {next(iter(written)): {"schema": either}}
    return content(name)


def _body(kind: str, type: str) -> Tree:
    if kind == "form":
        form = {body.FORM: {"schema": ref("schemas", "Criteria")}}
        return {"content": form}
    if kind == "patch":
        return {"required": True, "content": {k: _patch(k) for k in sorted(patch.KINDS)}}
    return {"required": True, "content": content(kind.replace("{type}", type))}


def _patch(media: str) -> Tree:
    schema = {"json": "JsonPatch", "fhirpath": "Parameters"}.get(patch.KINDS[media], "")
    return {"schema": ref("schemas", schema)} if schema and media.endswith("json") else {}
