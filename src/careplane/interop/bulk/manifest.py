"""What the status of a job says that is done: its manifest."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.interop.bulk.asks import Asked, ExportAsk, ImportAsk
from careplane.interop.bulk.exporting import EVERY_TYPE
from careplane.interop.bulk.parts import Part
from careplane.kernel.clock import format_instant


def file_name(part: Part) -> str:
    """The last part of a file's address."""
    type = "resources" if part.type == EVERY_TYPE else part.type
    return f"{part.number}.{type}.ndjson"


def manifest(asked: Asked, parts: Sequence[Part], base: str, counts: bytes | None) -> bytes:
    """The manifest; `base` is the address of the job, `counts` what an import has stored."""
    ask = asked.ask
    if isinstance(ask, ExportAsk):
        return json.dump(_export(asked, ask, parts, base))
    return json.dump(_import(asked, ask, parts, base, counts))


def _import(
    asked: Asked, ask: ImportAsk, parts: Sequence[Part], base: str, counts: bytes | None
) -> Tree:
    stored = msgspec.msgpack.decode(counts, type=list[int]) if counts else []
    return {
        "transactionTime": format_instant(ask.instant),
        "request": asked.request,
        "requiresAccessToken": True,
        "output": [
            {"type": "OperationOutcome", "inputUrl": url, "count": count}
            for (_, url), count in zip(ask.inputs, stored, strict=False)
        ],
        "error": [{**_item(part, base), "inputUrl": part.about} for part in parts],
    }


def _export(asked: Asked, ask: ExportAsk, parts: Sequence[Part], base: str) -> Tree:
    made: Tree = {
        "transactionTime": format_instant(ask.instant),
        "request": asked.request,
        "requiresAccessToken": True,
        "outputFormat": "application/fhir+ndjson",
    }
    if ask.organized:
        made["outputOrganizedBy"] = "Patient"
    for kind in ("output", "deleted", "error"):
        made[kind] = [_item(part, base) for part in parts if part.kind == kind]
    return made


def _item(part: Part, base: str) -> Tree:
    typed = {} if part.type == EVERY_TYPE else {"type": part.type}
    return {
        **typed,
        "url": f"{base}/{file_name(part)}",
        "count": part.count,
        "fileSize": part.size,
    }
