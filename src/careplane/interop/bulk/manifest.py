"""What a status says: how far a job is, and the manifest of one that is done."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.interop.bulk.exporting import EVERY_TYPE, steps
from careplane.interop.bulk.jobs import ExportAsk, ImportAsk, Job, Part
from careplane.kernel.clock import format_instant


def file_name(part: Part) -> str:
    """The last part of a file's address."""
    type = "resources" if part.type == EVERY_TYPE else part.type
    return f"{part.number}.{type}.ndjson"


def progress(job: Job, parts: Sequence[Part], told: bytes | None) -> str:
    """A short text for X-Progress (below 100 characters). `told` is what an import says."""
    if not isinstance(job.ask, ExportAsk):
        return told.decode() if told else f"{len(job.ask.inputs)} files to import"
    all_steps = steps(job.ask)
    place = parts[-1].then.step if parts else 0
    count = sum(part.count for part in parts)
    doing = all_steps[min(place, len(all_steps) - 1)].type
    return f"{doing} ({place + 1} of {len(all_steps)}), {count} resources in {len(parts)} files"


def manifest(job: Job, parts: Sequence[Part], base: str, counts: bytes | None) -> bytes:
    """The manifest; `base` is the address of the job, `counts` what an import has stored."""
    if isinstance(job.ask, ExportAsk):
        return json.dump(_export(job, job.ask, parts, base))
    return json.dump(_import(job, job.ask, parts, base, counts))


def _import(
    job: Job, ask: ImportAsk, parts: Sequence[Part], base: str, counts: bytes | None
) -> Tree:
    stored = msgspec.msgpack.decode(counts, type=list[int]) if counts else []
    return {
        "transactionTime": format_instant(ask.instant),
        "request": job.request,
        "requiresAccessToken": True,
        "output": [
            {"type": "OperationOutcome", "inputUrl": url, "count": count}
            for (_, url), count in zip(ask.inputs, stored, strict=False)
        ],
        "error": [{**_item(part, base), "inputUrl": part.about} for part in parts],
    }


def _export(job: Job, ask: ExportAsk, parts: Sequence[Part], base: str) -> Tree:
    made: Tree = {
        "transactionTime": format_instant(ask.instant),
        "request": job.request,
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
