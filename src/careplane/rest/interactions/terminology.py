"""`$expand`, `$validate-code`, `$lookup`, `$translate`, `$subsumes` and their batch form (FHIR R4,
4.6.3 to 4.11).

What they mean is the business of `terminology`; here a call becomes its parameters, and a refusal
an OperationOutcome with the codes that terminology clients know.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.fhir.validation import errors
from careplane.kernel.clock import format_instant, system_clock
from careplane.kernel.errors import CareplaneError, Incorrect, Invalid, Issue
from careplane.kernel.ids import new_id
from careplane.records import commands as c
from careplane.rest.operation import Call, Operation, definition, our_definition
from careplane.rest.outcome import response_of
from careplane.rest.response import Response
from careplane.terminology import calls
from careplane.terminology.coded import coding_of
from careplane.terminology.expand import Stamp
from careplane.terminology.findings import refusal_of
from careplane.terminology.library import Library, Shelves
from careplane.terminology.resources import KINDS

Work = Callable[[calls.Call], Awaitable[Tree]]
_NEUTRAL = ("_format", "_pretty")
_SENT = (
    "tx-resource", "codeSystem", "valueSet", "conceptMap", "thisValueSet", "otherValueSet",
)  # fmt: skip


def _handler(work: Work) -> Callable[[Call], Awaitable[Response]]:
    async def answer(call: Call) -> Response:
        values = [pair for pair in call.values if pair[0] not in _NEUTRAL]
        if call.resource:
            values.append(_posted(call.resource))
        _check_sent(values)
        language = call.request.header(b"accept-language") or ""
        asked = calls.Call(Shelves(), values, accept_language=language)

        async def within(library: Library, instance: Tree | None) -> Tree:
            return await work(replace(asked, library=library, instance=instance))

        name = call.request.path[-1].lstrip("$")
        command = c.Ask(name, call.type or "", within, call.id)
        try:
            tree = await call.service.door.ask(call.request.caller, command)
        except CareplaneError as error:
            outcome = refusal_of(error)
            if outcome is None:
                raise
            return _with_body(response_of(error), outcome)
        return Response(200, json.dump(tree))

    return answer


def _posted(raw: bytes) -> tuple[str, object]:
    """A body that is a resource and no Parameters: the one parameter of its type."""
    tree = json.parse(raw)
    type = tree.get("resourceType")
    if not isinstance(type, str) or type not in KINDS:
        raise Invalid("Send Parameters, or a CodeSystem, ValueSet or ConceptMap alone.")
    return type[0].lower() + type[1:], tree


def _with_body(response: Response, outcome: Tree) -> Response:
    """An answer with another OperationOutcome."""
    return Response(response.status, json.dump(outcome), response.headers)


def _check_sent(values: list[tuple[str, object]]) -> None:
    """Resources that are sent along are R4 as far as its structure goes: what reads them trusts
    it."""
    inner = [pair for name, v in values if name == "validation" for pair in calls.values_of(v)]
    for name, value in (*values, *inner):
        if name in _SENT and isinstance(value, dict):
            wrong = [issue for issue in errors(value) if _breaks(issue)]
            if value.get("resourceType") not in KINDS:
                text = f"'{name}' is a CodeSystem, ValueSet or ConceptMap."
                wrong = [Issue("error", "structure", text, "Parameters.parameter")]
            if wrong:
                raise Invalid("A resource that was sent along is not valid R4", issues=tuple(wrong))


def _breaks(issue: Issue) -> bool:
    return issue.code in ("structure", "value")


async def _expand(call: calls.Call) -> Tree:
    stamp = Stamp(f"urn:uuid:{new_id()}", format_instant(system_clock()))
    return await calls.expand_value_set(call, stamp)


async def _batch_value_set(call: calls.Call) -> Tree:
    return await calls.batch_validate(call, in_value_set=True)


async def _batch_code_system(call: calls.Call) -> Tree:
    return await calls.batch_validate(call, in_value_set=False)


async def _closure(call: Call) -> Response:
    asked = calls.Call(Shelves(), call.values)
    codings = [
        coding_of(value, "concept")
        for name, value in call.values
        if name == "concept" and isinstance(value, dict)
    ]
    version = asked.text("version")
    if version and not (version.isascii() and version.isdigit() and len(version) < 10):
        raise Incorrect("'version' is the version of an answer of this operation.")
    since = int(version) if version else None
    command = c.Closure(asked.text("name"), tuple(codings), since)
    return Response(200, json.dump(await call.service.door.closure(call.request.caller, command)))


_BATCH = our_definition("batch-validate-code", type=True)
_CODE_SYSTEM, _VALUE_SET = frozenset({"CodeSystem"}), frozenset({"ValueSet"})
_CONCEPT_MAP = frozenset({"ConceptMap"})
OPERATIONS = (
    Operation(definition("ValueSet-expand"), _handler(_expand), _VALUE_SET),
    Operation(
        definition("ValueSet-validate-code"), _handler(calls.validate_in_value_set), _VALUE_SET
    ),
    Operation(_BATCH, _handler(_batch_value_set), _VALUE_SET),
    Operation(
        our_definition("related", type=True, instance=True),
        _handler(calls.related_value_sets),
        _VALUE_SET,
    ),
    Operation(
        definition("CodeSystem-validate-code"),
        _handler(calls.validate_in_code_system),
        _CODE_SYSTEM,
    ),
    Operation(_BATCH, _handler(_batch_code_system), _CODE_SYSTEM),
    Operation(definition("CodeSystem-lookup"), _handler(calls.lookup_code), _CODE_SYSTEM),
    Operation(definition("CodeSystem-subsumes"), _handler(calls.subsumes_code), _CODE_SYSTEM),
    Operation(definition("ConceptMap-closure"), _closure, writes=True),
    Operation(definition("ConceptMap-translate"), _handler(calls.translate_code), _CONCEPT_MAP),
)
