"""`Questionnaire/$populate` and `QuestionnaireResponse/$extract` (SDC 3.0), as the pages do it.

Neither writes anything: $populate answers a draft, $extract a transaction for the caller to send.
`QuestionnaireResponse/[id]/$take` puts into the record what $extract would say. Not of SDC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from careplane.care.forms.forms import Forms
from careplane.care.forms.opening import Opened
from careplane.fhir.codec import json
from careplane.fhir.definitions import OperationDef, OperationParameter
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.values import objects
from careplane.kernel.errors import Incorrect
from careplane.rest.operation import Call, Operation
from careplane.rest.response import Response

_SDC: Final = "http://hl7.org/fhir/uv/sdc/OperationDefinition/"
_OURS: Final = "https://github.com/careplane/careplane/OperationDefinition/"
_NEUTRAL: Final = ("_format", "_pretty")
Row = tuple[str, int, int | None, str]
_POPULATE: Final[Sequence[Row]] = (
    ("canonical", 0, 1, "canonical"),
    ("questionnaire", 0, 1, "Questionnaire"),
    ("subject", 1, 1, "Reference"),
    ("context", 0, None, ""),
    ("local", 0, 1, "boolean"),
)
_EXTRACT: Final[Sequence[Row]] = (("questionnaire-response", 0, 1, "QuestionnaireResponse"),)


@dataclass(frozen=True, slots=True)
class Operations:
    """Over the forms of an installation."""

    forms: Forms

    def offered(self) -> tuple[Operation, ...]:
        """For `app.build`."""
        populate = _defined("Questionnaire", "populate", _POPULATE, ("response", "issues"))
        extract = _defined("QuestionnaireResponse", "extract", _EXTRACT, ("return", "issues"))
        take = OperationDef(
            "careplane-take", "take", (), False, False, True, True, (), f"{_OURS}take"
        )
        return (
            Operation(populate, self.populate, frozenset({"Questionnaire"})),
            Operation(extract, self.extract, frozenset({"QuestionnaireResponse"})),
            Operation(take, self.take, frozenset({"QuestionnaireResponse"})),
        )

    async def populate(self, call: Call) -> Response:
        """A response that is in-progress, with what the record knows."""
        call.refuse_others(*(name for name, *_ in _POPULATE), "content", *_NEUTRAL)
        caller = call.request.caller
        subject = (call.tree("subject") or {}).get("reference")
        if not isinstance(subject, str):
            raise Incorrect("subject names the patient, as a Reference.")
        sent, canonical = call.tree("questionnaire"), call.text("canonical")
        if [call.id is not None, sent is not None, bool(canonical)].count(True) != 1:
            raise Incorrect("Name one questionnaire: in the address, as canonical, or as a whole.")
        of = await self.forms.named(caller, call.id or "", canonical or "", sent)
        response = await self.forms.populate(caller, of, subject, _contexts(call))
        return _parameters({"name": "response", "resource": response})

    async def extract(self, call: Call) -> Response:
        """A transaction that puts into the record what the form says; sent twice it makes nothing
        twice."""
        call.refuse_others("questionnaire-response", *_NEUTRAL)
        caller = call.request.caller
        sent = call.tree("questionnaire-response")
        if sent is None and call.resource:
            sent = json.parse(call.resource)
        if (call.id is None) == (sent is None):
            raise Incorrect("Name one response: in the address, or as a whole.")
        if sent is not None:
            opened = await self.forms.of_response(caller, sent)
        else:
            opened = await self.forms.open(caller, call.id or "", "")
        return _parameters({"name": "return", "resource": _transaction(opened)})

    async def take(self, call: Call) -> Response:
        """How many resources were written."""
        call.refuse_others(*_NEUTRAL)
        assert call.id is not None
        written = await self.forms.extract(call.request.caller, call.id)
        return _parameters({"name": "written", "valueInteger": written})


def _transaction(opened: Opened) -> Tree:
    opened.settle()
    entries = [
        {
            "resource": {**one.tree, "resourceType": one.type, "id": one.id},
            "request": {"method": "PUT", "url": f"{one.type}/{one.id}"},
        }
        for one in opened.extraction()
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _contexts(call: Call) -> Mapping[str, Tree]:
    """The contexts of a launch by name: resources, or references to them."""
    found: dict[str, Tree] = {}
    for parts in call.all("context"):
        by_name = {str(one.get("name")): one for one in objects(parts)}
        name = by_name.get("name", {}).get("valueString")
        content = by_name.get("content", {})
        tree = content.get("resource") or content.get("valueReference")
        if not isinstance(name, str) or not isinstance(tree, dict):
            raise Incorrect("A context has a name and a content, a reference or a resource.")
        found[name] = tree
    return found


def _defined(type: str, code: str, rows: Sequence[Row], out: Sequence[str]) -> OperationDef:
    taken = tuple(OperationParameter(n, "in", low, high, t, "", (), ()) for n, low, high, t in rows)
    given = tuple(OperationParameter(n, "out", 0, 1, "Resource", "", (), ()) for n in out)
    id = f"{type}-{code}"
    return OperationDef(id, code, (type,), False, True, True, False, (*taken, *given), _SDC + id)


def _parameters(*parameters: Tree) -> Response:
    body: Tree = {"resourceType": "Parameters", "parameter": list(parameters)}
    return Response(200, json.dump(body), [(b"cache-control", b"no-store")])
