"""The kick-off of an export: its parameters, read strictly (Bulk Data Access 3.0, "Bulk Data
Kick-off Request").

A parameter that is not offered is refused, or under `Prefer: handling=lenient` ignored and remarked
on in the `error` files of the manifest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from careplane.fhir.definitions import OperationDef
from careplane.interop.bulk.asks import ExportAsk
from careplane.interop.bulk.exporting import progress, steps
from careplane.interop.bulk.parts import Place
from careplane.interop.bulk.starting import Starting
from careplane.kernel.errors import CareplaneError, Incorrect, Unsupported
from careplane.records import commands as c
from careplane.rest.interactions.history import moment
from careplane.rest.operation import Call, Operation
from careplane.rest.response import Response

_IG = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"
_FORMATS = frozenset({"application/fhir+ndjson", "application/ndjson", "ndjson"})
_READ = frozenset(
    {"_outputFormat", "_since", "_until", "_type", "_typeFilter", "_elements", "patient"}
    | {"organizeOutputBy", "allowPartialManifests"}
)
_NEUTRAL = frozenset({"_format", "_pretty"})
_NEXT_FILTER = re.compile(r",(?=[A-Z][A-Za-z]+\?)")
_FILTER = re.compile(r"([A-Z][A-Za-z]+)\?(.*)", re.DOTALL)
_ID = re.compile(r"(?:Patient/)?([A-Za-z0-9\-.]{1,64})")
_MOST_PATIENTS = 100_000


class Exports:
    """The three operations `$export`."""

    def __init__(self, starting: Starting) -> None:
        self._starting = starting
        self.operations = (
            Operation(_definition("export", (), system=True), self._start, statuses=(202,)),
            Operation(
                _definition("patient-export", ("Patient",), type=True),
                self._start,
                frozenset({"Patient"}),
                statuses=(202,),
            ),
            Operation(
                _definition("group-export", ("Group",), instance=True),
                self._start,
                frozenset({"Group"}),
                statuses=(202,),
            ),
        )

    async def _start(self, call: Call) -> Response:
        reading = _Reading(call)
        ask = await self._ask(call, reading)
        return await self._starting.start(call.request, ask, progress(steps(ask), Place()))

    async def _ask(self, call: Call, reading: _Reading) -> ExportAsk:
        command = c.PrepareExport(
            reading.types(), reading.filters(), call.type is not None, call.id, reading.patients()
        )
        elements, organized = reading.elements(), reading.organized()
        since, before = reading.edge("_since", 0), reading.edge("_until", 1)
        prepared = await call.service.door.prepare_export(call.request.caller, command)
        return ExportAsk(
            prepared.at,
            prepared.instant,
            prepared.types,
            command.filters,
            elements,
            command.by_patient,
            prepared.patients,
            since,
            before,
            organized,
            tuple(reading.remarks),
        )


def _definition(
    id: str,
    resources: tuple[str, ...],
    *,
    system: bool = False,
    type: bool = False,
    instance: bool = False,
) -> OperationDef:
    return OperationDef(
        id, "export", resources, system, type, instance, False, (), canonical=_IG + id
    )


class _Reading:
    """The parameters of one call. What lenient handling leaves out is in `remarks`."""

    def __init__(self, call: Call) -> None:
        self._call = call
        header = (call.request.header(b"prefer") or "").lower()
        self._lenient = "handling=lenient" in header.replace(" ", "").replace('"', "")
        self.remarks: list[str] = []
        for name in dict.fromkeys(name for name, _ in call.values):
            if name not in _READ | _NEUTRAL:
                self._cannot(Unsupported(f"The parameter {name[:64]!r} is not offered."))
        if call.resource:
            raise Incorrect("Parameters of an export are sent as a Parameters resource.")
        format = call.text("_outputFormat")
        if format is not None and format not in _FORMATS:
            raise Unsupported("_outputFormat: application/fhir+ndjson is what there is.")
        if call.text("allowPartialManifests") not in (None, "false", "False"):
            self._cannot(Unsupported("allowPartialManifests is not offered."))

    def _cannot(self, error: CareplaneError) -> None:
        if not self._lenient:
            raise error
        self.remarks.append(f"{error.text} It was ignored.")

    def _values(self, name: str) -> Iterable[str]:
        for value in self._call.all(name):
            if not isinstance(value, str):
                raise Incorrect(f"The parameter {name!r} is not of a type that can be read.")
            yield value

    def _listed(self, name: str) -> tuple[str, ...]:
        found = (one.strip() for value in self._values(name) for one in value.split(","))
        return tuple(dict.fromkeys(filter(None, found)))

    def types(self) -> tuple[str, ...]:
        return self._listed("_type")

    def elements(self) -> tuple[str, ...]:
        found = self._listed("_elements")
        for one in found:
            if not re.fullmatch(r"([A-Z][A-Za-z]+\.)?[a-zA-Z]+", one):
                raise Incorrect("_elements holds root elements, such as Patient.name or code.")
        return found

    def filters(self) -> tuple[tuple[str, str], ...]:
        """A comma parts two queries where a type and `?` follow; others belong to values."""
        types = self.types()
        found: list[tuple[str, str]] = []
        for value in self._values("_typeFilter"):
            for one in _NEXT_FILTER.split(value):
                match = _FILTER.fullmatch(one.strip())
                if not match:
                    raise Incorrect("_typeFilter holds queries such as Observation?status=final.")
                if types and match[1] not in types:
                    text = f"_typeFilter is about {match[1]}, which _type leaves out."
                    self._cannot(Incorrect(text))
                else:
                    found.append((match[1], match[2]))
        return tuple(found)

    def edge(self, name: str, side: int) -> int | None:
        text = self._call.text(name)
        return None if text is None else moment(name, text)[side]

    def organized(self) -> bool:
        value = self._call.text("organizeOutputBy")
        if value is None:
            return False
        if value != "Patient" or self._call.type is None:
            self._cannot(Unsupported("organizeOutputBy: Patient is what there is, for patients."))
            return False
        return True

    def patients(self) -> tuple[str, ...] | None:
        """By POST, for patients only."""
        values = self._call.all("patient")
        if not values:
            return None
        if self._call.type is None or self._call.request.method != "POST":
            self._cannot(Incorrect("patient goes with a POST for patients or a Group."))
            return None
        ids = tuple(dict.fromkeys(_patient(value) for value in values))
        if len(ids) > _MOST_PATIENTS:
            raise Incorrect(f"patient may be there {_MOST_PATIENTS} times; use a Group.")
        return ids


def _patient(value: object) -> str:
    text = value.get("reference") if isinstance(value, dict) else value
    match = _ID.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise Incorrect("patient is a Reference such as Patient/17.")
    return match[1]
