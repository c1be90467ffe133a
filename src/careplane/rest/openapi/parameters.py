"""Parameters of requests: headers, pieces of addresses, and what a search may ask for."""

from __future__ import annotations

from collections.abc import Iterable

from careplane.fhir.tree import Tree
from careplane.rest.openapi.parts import JSON, XML, ref
from careplane.search.kinds import modifiers_of
from careplane.search.registry import Parameter
from careplane.search.results import MAX_COUNT, Summary, Total

_TEXT: Tree = {"type": "string"}
_NAMES: Tree = {"type": "array", "items": _TEXT}
_TAG: Tree = {"type": "string", "pattern": '^(W/)?"[0-9]{1,9}"$', "example": 'W/"3"'}


def refs(*names: str) -> list[Tree]:
    """References to parameters by the names of their components."""
    return [ref("parameters", name) for name in names]


def _given(where: str, name: str, schema: Tree, text: str = "", **more: object) -> Tree:
    return {
        "name": name,
        "in": where,
        **({"description": text} if text else {}),
        "schema": schema,
        **more,
    }


def shared() -> Tree:
    """Component -> parameter, for all addresses."""
    return {**_places(), **_headers(), **_results(), **_instants()}


def _places() -> Tree:
    id, version = ref("schemas", "id"), {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"}
    return {
        "id": _given("path", "id", id, "The logical id.", required=True),
        "vid": _given("path", "vid", version, "The version, a number.", required=True),
    }


def _headers() -> Tree:
    preferred = ["return=minimal", "return=representation", "return=OperationOutcome"]
    handling = ["handling=strict", "handling=lenient"]
    return {
        "If-Match": _given("header", "If-Match", _TAG, "Write only if this is the version."),
        "If-None-Match": _given(
            "header", "If-None-Match", _TEXT, "Read: answer 304 if this is the version. "
            "Update: `*` writes only if there is none."
        ),
        "If-Modified-Since": _given(
            "header", "If-Modified-Since", _TEXT, "Answer 304 if nothing was written since."
        ),
        "If-None-Exist": _given(
            "header", "If-None-Exist", _TEXT,
            "Conditional create: criteria such as identifier=urn:x|1; create only if none match.",
        ),
        "Prefer-return": _given(
            "header", "Prefer", {"enum": preferred}, "How much a write answers with."
        ),
        "Prefer-handling": _given(
            "header", "Prefer", {"enum": handling},
            "Whether a parameter that is not understood is an error (strict) or passed by with "
            "a warning in the answer (lenient, the default).",
        ),
        "Prefer": _given(
            "header", "Prefer", _TEXT, "return=... and handling=..., as for single requests."
        ),
        "_format": _given(
            "query", "_format", {"enum": ["json", "xml", JSON, XML]}, "Goes before Accept."
        ),
        "_pretty": _given("query", "_pretty", {"enum": ["true", "false"]}, "With line breaks."),
    }  # fmt: skip


def _results() -> Tree:
    count = {"type": "integer", "minimum": 0, "maximum": MAX_COUNT}
    summaries = [str(each) for each in Summary]
    return {
        "_count": _given("query", "_count", count, "Matches on a page; 0 asks for the total only."),
        "_summary": _given("query", "_summary", {"enum": summaries}, "How much of each resource."),
        "_shape": _given(
            "query", "_summary", {"enum": [s for s in summaries if s != "count"]},
            "How much of the resource.",
        ),
        "_elements": _given("query", "_elements", _TEXT, "Names of elements, with commas."),
        "_total": _given(
            "query", "_total", {"enum": [str(t) for t in Total]}, "How exact the total must be."
        ),
        "_sort": _given(
            "query", "_sort", _TEXT, "Search parameters with commas; a minus turns the order."
        ),
        "_include": _given(
            "query", "_include", _NAMES,
            "What matches refer to: Type:parameter[:Target], Type:* or *; with :iterate, of what "
            "was included too.",
        ),
        "_revinclude": _given(
            "query", "_revinclude", _NAMES, "What refers to matches: Type:parameter or Type:*."
        ),
        "_has": _given(
            "query", "_has", ref("schemas", "Criteria"),
            "What is referred to: _has:Observation:patient:code=4548-4. Chains such as "
            "subject:Patient.name=x and modifiers such as name:exact=x are names as well.",
            style="form", explode=True,
        ),
        "criteria": _given(
            "query", "criteria", ref("schemas", "Criteria"),
            "The search parameters that the one resource to be written must match.",
            style="form", explode=True,
        ),
    }  # fmt: skip


RESULTS = (
    "_count", "_summary", "_elements", "_total", "_sort", "_include", "_revinclude", "_has",
    "_format", "_pretty", "Prefer-handling",
)  # fmt: skip


def _instants() -> Tree:
    return {
        "_since": _given("query", "_since", _TEXT, "Versions from this instant or date on."),
        "_at": _given("query", "_at", _TEXT, "Versions that were current at this time."),
    }


def component(type: str, parameter: Parameter) -> str:
    """The name under which a search parameter is kept; those of all types have one in common."""
    return f"{_owner(type, parameter)}-{parameter.code}"


def _owner(type: str, parameter: Parameter) -> str:
    bases = parameter.definition.bases
    return next((b for b in ("Resource", "DomainResource") if b in bases), type)


def searched(type: str, parameters: Iterable[Parameter]) -> Tree:
    """Component -> search parameter."""
    return {component(type, p): search_parameter(p) for p in parameters}


def search_parameter(parameter: Parameter) -> Tree:
    """One of them: what it looks at, and its modifiers. Repeated, each must match; values with
    commas between them, one must (R4 3.1.1.3)."""
    modifiers = " ".join(f":{name}" for name in modifiers_of(parameter))
    text = f"Looks at {parameter.definition.expression}"
    if modifiers:
        text += f". Modifiers {modifiers}"
    return _given("query", parameter.code, ref("schemas", f"search-{parameter.type}"), text)
