"""`Task/$consult` and what can be done with a consult, by API as the pages do it. Not of R4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from careplane.fhir.codec import json
from careplane.fhir.definitions import OperationDef, OperationParameter
from careplane.fhir.tree import Tree
from careplane.rest.operation import Call, Handler, Operation
from careplane.rest.response import Response
from careplane.telehealth.consults.consult import QUESTIONS, Question
from careplane.telehealth.consults.consults import Consults
from careplane.telehealth.messages.operations import files_in, references_in
from careplane.telehealth.messages.parties import NOBODY
from careplane.telehealth.messages.thread import Draft

_DEFINITIONS = "https://github.com/careplane/careplane/OperationDefinition/"
_TYPES = frozenset({"Task"})
_NEUTRAL = ("_format", "_pretty")
Row = tuple[str, int, int | None, str]
_TEXT: Sequence[Row] = (("text", 1, 1, "string"), ("file", 0, None, "Reference"))
_BEGIN: Sequence[Row] = (
    ("reason", 1, 1, "string"),
    *_TEXT,
    ("patient", 0, 1, "Reference"),
    ("to", 0, None, "Reference"),
    ("urgent", 0, 1, "boolean"),
    *((id, 0, 1, "string") for id in QUESTIONS),
)
_ANSWER: Sequence[Row] = (*_TEXT, ("visit", 0, 1, "boolean"))


@dataclass(frozen=True, slots=True)
class Operations:
    """Over the consults of an installation."""

    consults: Consults

    def offered(self) -> tuple[Operation, ...]:
        """For `app.build`."""
        return (
            _operation("consult", _BEGIN, self.begin, type=True),
            _operation("consult-take", (), self.take),
            _operation("consult-ask", _TEXT, self.ask),
            _operation("consult-add", _TEXT, self.add),
            _operation("consult-answer", _ANSWER, self.answer),
            _operation("consult-refuse", (("reason", 1, 1, "string"),), self.refuse),
            _operation("consult-withdraw", (), self.withdraw),
        )

    async def begin(self, call: Call) -> Response:
        """Ask."""
        call.refuse_others(*(row[0] for row in _BEGIN), *_NEUTRAL)
        patient = references_in(call, "patient")
        draft = Draft(
            call.text("reason") or "",
            call.text("text") or "",
            references_in(call, "to"),
            patient=patient[0] if patient else NOBODY,
            priority="urgent" if call.flag("urgent") else "routine",
            files=files_in(call),
        )
        answers = tuple((id, call.text(id) or "") for id in QUESTIONS)
        id = await self.consults.begin(call.request.caller, Question(draft, answers))
        return _answer(id)

    async def take(self, call: Call) -> Response:
        """The caller answers it."""
        call.refuse_others(*_NEUTRAL)
        await self.consults.take(call.request.caller, _id(call))
        return _answer(_id(call))

    async def ask(self, call: Call) -> Response:
        """Ask back."""
        call.refuse_others("text", "file", *_NEUTRAL)
        text, files = call.text("text") or "", files_in(call)
        await self.consults.ask_back(call.request.caller, _id(call), text, files)
        return _answer(_id(call))

    async def add(self, call: Call) -> Response:
        """Say more."""
        call.refuse_others("text", "file", *_NEUTRAL)
        text, files = call.text("text") or "", files_in(call)
        await self.consults.add(call.request.caller, _id(call), text, files)
        return _answer(_id(call))

    async def answer(self, call: Call) -> Response:
        """Answer; with `visit` the patient is to come."""
        call.refuse_others("text", "file", "visit", *_NEUTRAL)
        text, files, visit = call.text("text") or "", files_in(call), call.flag("visit")
        await self.consults.answer(call.request.caller, _id(call), text, files, visit=visit)
        return _answer(_id(call))

    async def refuse(self, call: Call) -> Response:
        """Do not answer, for a reason."""
        call.refuse_others("reason", *_NEUTRAL)
        await self.consults.refuse(call.request.caller, _id(call), call.text("reason") or "")
        return _answer(_id(call))

    async def withdraw(self, call: Call) -> Response:
        """No answer is needed."""
        call.refuse_others(*_NEUTRAL)
        await self.consults.withdraw(call.request.caller, _id(call))
        return _answer(_id(call))


def _operation(
    code: str, rows: Sequence[Row], handler: Handler, *, type: bool = False
) -> Operation:
    taken = tuple(OperationParameter(n, "in", low, high, t, "", (), ()) for n, low, high, t in rows)
    definition = OperationDef(
        f"careplane-task-{code}", code, (), False, type, not type, True, taken, _DEFINITIONS + code
    )
    return Operation(definition, handler, _TYPES)


def _id(call: Call) -> str:
    assert call.id is not None
    return call.id


def _answer(id: str) -> Response:
    parameter = {"name": "consult", "valueReference": {"reference": f"Task/{id}"}}
    body: Tree = {"resourceType": "Parameters", "parameter": [parameter]}
    return Response(200, json.dump(body), [(b"cache-control", b"no-store")])
