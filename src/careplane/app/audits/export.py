"""Looking into the trail, writing it to a file, and removing what is old; each noted in the
trail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from careplane.app.auditing import NOBODY
from careplane.app.audits.filters import Filters, moment
from careplane.fhir.codec import json
from careplane.kernel.clock import format_instant, system_clock
from careplane.kernel.errors import Conflict, Incorrect
from careplane.ledger.trail import Entry
from careplane.records.audits import keeping, rendering
from careplane.records.audits.lines import line_of
from careplane.records.commands import Note
from careplane.storage.ports.records import Tenant

if TYPE_CHECKING:
    from careplane.app.build import Careplane

Form = Literal["raw", "AuditEvent"]


async def found(here: Careplane, asked: Filters, count: int) -> list[Entry]:
    """The newest records that match, newest first."""
    question = asked.question(system_clock(), count=count)
    await here.door.note(here.operator, Note("audit-search", str(asked)))
    return await here.auditing.trail.find(_tenant(here, asked), question)


async def export_to(here: Careplane, asked: Filters, out: Path, form: Form) -> int:
    """Write what matches, oldest first; how many lines. The record of the export stands before
    anything is read. Raises Conflict where there is such a file."""
    question = asked.question(system_clock(), newest_first=False)
    await here.door.note(here.operator, Note("audit-export", f"{form} {asked}"))
    lines = 0
    try:
        with out.open("xb") as file:
            out.chmod(0o600)
            async for entry in here.auditing.trail.walk(_tenant(here, asked), question):
                for line in _lines(entry, form):
                    file.write(line + b"\n")
                    lines += 1
    except FileExistsError:
        raise Conflict(f"{out} is there already; name another file.") from None
    return lines


async def forget_before(here: Careplane, before: str, force: bool) -> int:
    """Remove records from before a time; how many. Raises Incorrect for one less than six years
    ago, unless it is forced."""
    now = system_clock()
    until = moment(before, now)
    if until > now - keeping.LEAST_YEARS * keeping.YEAR and not force:
        raise Incorrect(
            f"The audit trail is kept for {keeping.LEAST_YEARS} years at least (45 CFR 164.316); "
            "--force removes younger records."
        )
    return await keeping.forget(here.auditing.trail, here.door, here.operator, until)


def in_words(entry: Entry) -> str:
    """A record on one line, whatever clients have written into it."""
    record = entry.record
    what = record.query or " ".join(f"{type}/{id}" for type, id, _ in record.versions[:3])
    how = f" [{record.detail or record.outcome}]" if record.outcome != "0" else ""
    by = f" by {record.client}" if record.client else ""
    whose = f" of {', '.join(record.patients[:3])}" if record.patients else ""
    more = f" and {len(record.patients) - 3} more" if len(record.patients) > 3 else ""
    at = format_instant(record.recorded)
    line = f"{at} {record.agent or '-'}{by} {record.interaction} {what[:120]}{whose}{more}{how}"
    return rendering.cleaned(line)


def _tenant(here: Careplane, asked: Filters) -> Tenant:
    return NOBODY if asked.nobody else here.operator.tenant


def _lines(entry: Entry, form: Form) -> Iterator[bytes]:
    if form == "raw":
        yield json.dump(line_of(entry))
    else:
        for part in rendering.parts_of(entry.record):
            yield json.dump(rendering.event(entry, part))
