"""What a status says: how far a job is, and the manifest of one that is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.interop.bulk.exporting import EVERY_TYPE, steps
from careplane.interop.bulk.jobs import ExportAsk, Job, Part
from careplane.kernel.clock import format_instant


def file_name(part: Part) -> str:
    """The last part of a file's address."""
    type = "resources" if part.type == EVERY_TYPE else part.type
    return f"{part.number}.{type}.ndjson"


def progress(job: Job, parts: Sequence[Part]) -> str:
    """A short text for X-Progress (below 100 characters)."""
    if not isinstance(job.ask, ExportAsk):
        return "under way"
    all_steps = steps(job.ask)
    place = parts[-1].then.step if parts else 0
    count = sum(part.count for part in parts)
    doing = all_steps[min(place, len(all_steps) - 1)].type
    return f"{doing} ({place + 1} of {len(all_steps)}), {count} resources in {len(parts)} files"


def manifest(job: Job, parts: Sequence[Part], base: str, marks: Mapping[str, bytes]) -> bytes:
    """The manifest; `base` is the address of the job."""
    assert isinstance(job.ask, ExportAsk)
    return json.dump(_export(job, job.ask, parts, base))


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
