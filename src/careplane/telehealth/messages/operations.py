"""`Communication/$message` and what can be done with a thread, by API as the pages do it. Not of
R4: a plain Communication can be written too, and what it answers is found out afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from careplane.fhir.codec import json
from careplane.fhir.definitions import OperationDef, OperationParameter
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect
from careplane.rest.operation import Call, Handler, Operation
from careplane.rest.response import Response
from careplane.telehealth.messages.messages import Messages
from careplane.telehealth.messages.parties import NOBODY, Party
from careplane.telehealth.messages.reading import Reading
from careplane.telehealth.messages.thread import Attached, Draft

_DEFINITIONS = "https://github.com/careplane/careplane/OperationDefinition/"
_TYPES = frozenset({"Communication"})
_NEUTRAL = ("_format", "_pretty")
Row = tuple[str, int, int | None, str]
"""Name, least and most (None: any number), and type of a parameter."""
_MESSAGE: Sequence[Row] = (
    ("subject", 1, 1, "string"),
    ("text", 1, 1, "string"),
    ("topic", 0, 1, "code"),
    ("patient", 0, 1, "Reference"),
    ("to", 0, None, "Reference"),
    ("internal", 0, 1, "boolean"),
    ("urgent", 0, 1, "boolean"),
    ("file", 0, None, "Reference"),
)
_REPLY: Sequence[Row] = (
    ("text", 1, 1, "string"),
    ("note", 0, 1, "boolean"),
    ("file", 0, None, "Reference"),
)
_TAKE: Sequence[Row] = (("instead-of", 0, 1, "Reference"),)
_HAND_OVER: Sequence[Row] = (("to", 1, 1, "Reference"), ("note", 0, 1, "string"))


@dataclass(frozen=True, slots=True)
class Operations:
    """Over the messages of an installation."""

    messages: Messages
    reading: Reading

    def offered(self) -> tuple[Operation, ...]:
        """For `app.build`."""
        return (
            _operation("message", _MESSAGE, self.message, type=True),
            _operation("reply", _REPLY, self.reply),
            _operation("take", _TAKE, self.take),
            _operation("hand-over", _HAND_OVER, self.hand_over),
            _operation("close", (), self.close),
            _operation("reopen", (), self.reopen),
            _operation("receipt", (), self.receipt),
        )

    async def message(self, call: Call) -> Response:
        """Begin a thread."""
        call.refuse_others(*(row[0] for row in _MESSAGE), *_NEUTRAL)
        patient = references_in(call, "patient")
        draft = Draft(
            call.text("subject") or "",
            call.text("text") or "",
            references_in(call, "to"),
            call.text("topic") or "",
            patient[0] if patient else NOBODY,
            call.flag("internal"),
            "urgent" if call.flag("urgent") else "routine",
            files_in(call),
        )
        return _answer("thread", await self.messages.begin(call.request.caller, draft))

    async def reply(self, call: Call) -> Response:
        """One more message of a thread; with `note` patients do not see it."""
        call.refuse_others(*(row[0] for row in _REPLY), *_NEUTRAL)
        files, note = files_in(call), call.flag("note")
        text = call.text("text") or ""
        caller = call.request.caller
        return _answer(
            "message", await self.messages.reply(caller, _id(call), text, files, note=note)
        )

    async def take(self, call: Call) -> Response:
        """The caller answers it from now on."""
        call.refuse_others("instead-of", *_NEUTRAL)
        before = references_in(call, "instead-of")
        await self.messages.take(
            call.request.caller, _id(call), before[0].reference if before else ""
        )
        return _answer("thread", _id(call))

    async def hand_over(self, call: Call) -> Response:
        """Somebody else, or another pool, answers it from now on."""
        call.refuse_others("to", "note", *_NEUTRAL)
        to = references_in(call, "to")
        if len(to) != 1:
            raise Incorrect("Name one to hand it over to, with to.")
        note = call.text("note") or ""
        await self.messages.hand_over(call.request.caller, _id(call), to[0].reference, note)
        return _answer("thread", _id(call))

    async def close(self, call: Call) -> Response:
        """Nothing is left to answer."""
        call.refuse_others(*_NEUTRAL)
        await self.messages.close(call.request.caller, _id(call))
        return _answer("thread", _id(call))

    async def reopen(self, call: Call) -> Response:
        """It goes on."""
        call.refuse_others(*_NEUTRAL)
        await self.messages.reopen(call.request.caller, _id(call))
        return _answer("thread", _id(call))

    async def receipt(self, call: Call) -> Response:
        """The caller has read the messages of a thread."""
        call.refuse_others(*_NEUTRAL)
        caller = call.request.caller
        asker = await self.messages.pools.asker(caller)
        head = await self.messages.head(caller, _id(call))
        found = await self.reading.messages(caller, asker, head.id)
        count = await self.messages.receive(caller, asker, [one.tree for one in found])
        return _parameters({"name": "received", "valueInteger": count})


def _operation(
    code: str, rows: Sequence[Row], handler: Handler, *, type: bool = False
) -> Operation:
    taken = tuple(OperationParameter(n, "in", low, high, t, "", (), ()) for n, low, high, t in rows)
    url = _DEFINITIONS + code
    definition = OperationDef(
        f"careplane-communication-{code}", code, (), False, type, not type, True, taken, url
    )
    return Operation(definition, handler, _TYPES)


def references_in(call: Call, name: str) -> tuple[Party, ...]:
    """References, as trees or as text."""
    found = []
    for value in call.all(name):
        text = value.get("reference") if isinstance(value, dict) else value
        if not isinstance(text, str) or "/" not in text:
            raise Incorrect(f"{name} is a reference, such as Practitioner/17.")
        shown = cast(Tree, value).get("display", "") if isinstance(value, dict) else ""
        found.append(Party(text, str(shown)))
    return tuple(found)


def files_in(call: Call) -> tuple[Attached, ...]:
    """Files that are there already."""
    return tuple(map(Attached, references_in(call, "file")))


def _id(call: Call) -> str:
    assert call.id is not None
    return call.id


def _answer(name: str, id: str) -> Response:
    return _parameters({"name": name, "valueReference": {"reference": f"Communication/{id}"}})


def _parameters(*parameters: Tree) -> Response:
    body: Tree = {"resourceType": "Parameters", "parameter": list(parameters)}
    return Response(200, json.dump(body), [(b"cache-control", b"no-store")])
