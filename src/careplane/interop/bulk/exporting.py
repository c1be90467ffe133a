"""The work of an export: pages of the door, written to files of one type each.

The work is a row of steps: each type, then the deletions of each type, then what there is to
remark. The files of a step are cut by size. Where a Group or a list names the patients, they are
taken a few at a time, so that the store looks them up instead of going through everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from careplane.access.caller import Caller
from careplane.interop.bulk.asks import ExportAsk, asked
from careplane.interop.bulk.lines import deletions, header, lines
from careplane.interop.bulk.parts import Part, Place, finished, parts
from careplane.interop.bulk.vault import Vault, Writer
from careplane.kernel.errors import Issue
from careplane.records import commands as c
from careplane.records.door import Door
from careplane.records.jobs.job import Job
from careplane.records.jobs.work import Work
from careplane.records.results import Exported, Version
from careplane.rest.outcome import outcome

EVERY_TYPE = "*"
"""The type of files that are organized by patients."""
FEW = 50
"""Patients taken together."""
_PAGE_BYTES = 4_000_000
_PAGE_MOST, _PAGE_LEAST = 2000, 10
_HELD = 32_000_000
"""Bytes of a file that wait in memory, packed; a file that is as long ends."""


@dataclass(frozen=True, slots=True)
class Step:
    """One row of files: the resources of a type, its deletions, or the remarks."""

    kind: str
    type: str


@dataclass(slots=True)
class _Pace:
    """How many resources a page has, so that it has so many bytes."""

    page_bytes: int
    count: int

    def learn(self, versions: Sequence[Version]) -> None:
        if versions:
            mean = sum(len(version.rest) + 150 for version in versions) // len(versions)
            wanted = min(self.page_bytes // mean, 2 * self.count)
            self.count = max(_PAGE_LEAST, min(_PAGE_MOST, wanted))


def _pace(part_bytes: int) -> _Pace:
    page_bytes = min(_PAGE_BYTES, part_bytes)
    return _Pace(page_bytes, max(_PAGE_LEAST, min(500, page_bytes // 500)))


@dataclass(frozen=True, slots=True)
class Exporting:
    """Does exports. `part_bytes` is where a file ends."""

    door: Door
    vault: Vault
    part_bytes: int

    async def run(self, work: Work) -> None:
        """All of it, from where it was left. Raises Overtaken."""
        job, kickoff = work.job, await asked(work.book, work.job)
        assert isinstance(kickoff.ask, ExportAsk)
        done = await parts(work.book, job)
        place = done[-1].then if done else Place()
        number, count = len(done) + 1, sum(part.count for part in done)
        all_steps = steps(kickoff.ask)
        order = {id: n for n, id in enumerate(kickoff.ask.patients or ())}
        under_way = _Export(self, job, kickoff.caller, kickoff.ask, all_steps, order)
        while place.step < len(all_steps):
            part, place = await under_way.file(number, place)
            if part is not None:
                await finished(work, part)
                count += part.count
                await work.save(told=progress(all_steps, place, count, number))
                number += 1


def progress(all_steps: Sequence[Step], place: Place, count: int = 0, files: int = 0) -> str:
    """How far an export is, in fewer than 100 characters."""
    at = min(place.step, len(all_steps) - 1)
    return (
        f"{all_steps[at].type} ({at + 1} of {len(all_steps)}), {count} resources in {files} files"
    )


def steps(ask: ExportAsk) -> tuple[Step, ...]:
    """All of an export."""
    types = (EVERY_TYPE,) if ask.organized else ask.types
    found = [Step("output", type) for type in types]
    if ask.since is not None:
        found += [Step("deleted", type) for type in ask.types]
    return (*found, *([Step("error", "OperationOutcome")] if ask.remarks else ()))


@dataclass(frozen=True, slots=True)
class _Export:
    """One export on its way."""

    of: Exporting
    job: Job
    caller: Caller
    ask: ExportAsk
    steps: tuple[Step, ...]
    order: Mapping[str, int]

    async def file(self, number: int, place: Place) -> tuple[Part | None, Place]:
        """The next file, and where the one after it begins; None where nothing was left of the
        step."""
        step = self.steps[place.step]
        writer = self.of.vault.writer(self.job, number)
        if step.kind == "error":
            writer.add(_remarks(self.ask), len(self.ask.remarks))
            place = Place(place.step + 1)
            return await writer.finish(step.kind, step.type, place), place
        begun, pace = place.step, _pace(self.of.part_bytes)
        while place.step == begun and not self._is_full(writer):
            if step.type == EVERY_TYPE:
                place = await self._patient(writer, step, place, pace)
            else:
                place = await self._page(writer, step, place, pace)
        if not writer.count:
            return None, place
        type = "Bundle" if step.kind == "deleted" else step.type
        return await writer.finish(step.kind, type, place), place

    def _is_full(self, writer: Writer) -> bool:
        return writer.size >= self.of.part_bytes or writer.weight >= _HELD

    async def _page(self, writer: Writer, step: Step, place: Place, pace: _Pace) -> Place:
        command = self._command(step, place, pace.count)
        if command is None:
            return Place(place.step + 1)
        page = await self._ask(command)
        pace.learn(page.versions)
        if page.versions:
            await asyncio.to_thread(self._write, writer, step, page.versions)
        if page.next is not None:
            return Place(place.step, place.group, page.next)
        if command.patients is not None and not command.deletions:
            return Place(place.step, place.group + 1)
        return Place(place.step + 1)

    async def _ask(self, command: c.Export) -> Exported:
        return await self.of.door.export(self.caller, command)

    async def _patient(self, writer: Writer, step: Step, place: Place, pace: _Pace) -> Place:
        """The record of the next patient, behind a header that names them."""
        ask = self.ask
        patients = ask.patients and ask.patients[place.group : place.group + 1]
        if patients is None or patients:
            one = c.Export(
                "Patient", ask.at, (), True, patients or None, after=place.after, count=1
            )
            page = await self._ask(one)
            for version in page.versions:
                await self._record(writer, step, version.id, pace)
            if page.next is not None:
                return Place(place.step, place.group, page.next)
            if patients:
                return Place(place.step, place.group + 1)
        return Place(place.step + 1)

    async def _record(self, writer: Writer, step: Step, patient: str, pace: _Pace) -> None:
        begun = False
        for type in self.ask.types:
            place = Place()
            while place.step == 0:
                command = self._asking(type, place, pace.count, (patient,))
                page = await self._ask(command)
                pace.learn(page.versions)
                if page.versions and not begun:
                    writer.add(header(patient), 1)
                    begun = True
                if page.versions:
                    await asyncio.to_thread(self._write, writer, step, page.versions)
                place = Place(0, 0, page.next) if page.next is not None else Place(1)

    def _command(self, step: Step, place: Place, count: int) -> c.Export | None:
        """None where all patients were gone through. A resource of two patients is looked for with
        the first of them alone."""
        ask = self.ask
        patients = ask.patients
        deleted = step.kind == "deleted"
        if patients is not None and not deleted:
            patients = patients[place.group * FEW : (place.group + 1) * FEW]
            if not patients:
                return None
        command = self._asking(step.type, place, count, patients)
        if deleted:
            return replace(command, deletions=True)
        first, order = place.group * FEW, self.order
        if not first or patients is None:
            return command
        return replace(command, passed=lambda id: order.get(id, first) < first)

    def _asking(
        self, type: str, place: Place, count: int, patients: tuple[str, ...] | None
    ) -> c.Export:
        ask = self.ask
        return c.Export(
            type,
            ask.at,
            tuple(query for its, query in ask.filters if its == type),
            ask.by_patient,
            patients,
            ask.since,
            ask.before,
            place.after,
            count,
        )

    def _write(self, writer: Writer, step: Step, versions: Sequence[Version]) -> None:
        if step.kind == "deleted":
            writer.add(deletions(versions), 1)
        else:
            writer.add(lines(versions, self.ask.elements), len(versions))


def _remarks(ask: ExportAsk) -> bytes:
    issues = [Issue("warning", "not-supported", text) for text in ask.remarks]
    return b"".join(outcome((issue,)) + b"\n" for issue in issues)
