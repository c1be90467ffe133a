"""The kick-off of an import: a manifest, as JSON (the Bulk Data Import proposal of SMART) or as a
Parameters resource with the same names."""

from __future__ import annotations

from typing import Any

import msgspec

from careplane.fhir.definitions import OperationDef
from careplane.interop.bulk.asks import ImportAsk
from careplane.interop.bulk.pulling.guard import Guard
from careplane.interop.bulk.pulling.stores import Stores
from careplane.interop.bulk.starting import Starting
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Incorrect, Malformed, Unsupported
from careplane.records.commands import PrepareImport
from careplane.rest.operation import Call, Operation
from careplane.rest.response import Response

_FORMATS = frozenset({"application/fhir+ndjson", "application/ndjson", "ndjson"})
_STORAGE = frozenset({"https", "aws-s3", "gcp-bucket", "azure-blob", "file"})
_NAMES = frozenset({"inputFormat", "inputSource", "storageDetail", "input"})
_NEUTRAL = frozenset({"_format", "_pretty"})
_MOST = 10_000


class _Input(msgspec.Struct):
    type: str
    url: str


class _Storage(msgspec.Struct):
    type: str = "https"


class _Manifest(msgspec.Struct, forbid_unknown_fields=True):
    input: list[_Input]
    inputFormat: str = "application/fhir+ndjson"  # noqa: N815  (the proposal's names)
    inputSource: str = ""  # noqa: N815
    storageDetail: _Storage = msgspec.field(default_factory=_Storage)  # noqa: N815
    resourceType: str = ""  # noqa: N815


class Imports:
    """The operation `$import`."""

    def __init__(self, starting: Starting, guard: Guard, stores: Stores, clock: Clock) -> None:
        self._starting = starting
        self._guard = guard
        self._stores = stores
        self._clock = clock
        definition = OperationDef(
            "https://github.com/smart-on-fhir/bulk-import",
            "import",
            (),
            True,
            False,
            False,
            True,
            (),
        )
        self.operations = (Operation(definition, self._start, statuses=(202,)),)

    async def _start(self, call: Call) -> Response:
        manifest = _manifest(call)
        _check(manifest)
        inputs = tuple((one.type, one.url) for one in manifest.input)
        types = tuple(dict.fromkeys(type for type, _ in inputs))
        await call.service.door.prepare_import(call.request.caller, PrepareImport(types))
        for _, url in inputs:
            if url.startswith(("https://", "http://")):
                self._guard.check(url)
            else:
                self._stores.check(url)
        ask = ImportAsk(self._clock(), manifest.inputSource, inputs)
        return await self._starting.start(call.request, ask, f"{len(inputs)} files to import")


def _check(manifest: _Manifest) -> None:
    if manifest.inputFormat not in _FORMATS:
        raise Unsupported("inputFormat: application/fhir+ndjson is what there is.")
    if manifest.storageDetail.type not in _STORAGE:
        raise Unsupported(f"storageDetail.type is one of {', '.join(sorted(_STORAGE))}.")
    if not manifest.input:
        raise Incorrect("input names no file.")
    if len(manifest.input) > _MOST:
        raise Incorrect(f"input may name {_MOST} files; begin several imports.")


def _manifest(call: Call) -> _Manifest:
    for name, _ in call.values:
        if name not in _NAMES | _NEUTRAL:
            raise Incorrect(f"The parameter {name[:64]!r} is not a parameter of this operation.")
    try:
        if call.resource:
            return msgspec.json.decode(call.resource, type=_Manifest)
        return msgspec.convert(_tree(call), _Manifest)
    except msgspec.ValidationError as error:
        raise Incorrect(f"The manifest of an import is not right: {error}.") from None
    except msgspec.DecodeError as error:
        raise Malformed("The manifest of an import is not JSON.") from error


def _tree(call: Call) -> dict[str, Any]:
    """The manifest that Parameters stand for."""
    tree: dict[str, Any] = {"input": [_parts(value) for value in call.all("input")]}
    for name in ("inputFormat", "inputSource"):
        text = call.text(name)
        if text is not None:
            tree[name] = text
    for detail in call.all("storageDetail"):
        tree["storageDetail"] = _parts(detail)
    return tree


def _parts(value: object) -> dict[str, Any]:
    """The parts of a parameter, by name."""
    found: dict[str, Any] = {}
    for part in value if isinstance(value, list) else ():
        if isinstance(part, dict) and isinstance(part.get("name"), str):
            values = [v for key, v in part.items() if key.startswith("value")]
            found[part["name"]] = values[0] if values else None
    return found
