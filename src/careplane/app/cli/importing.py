"""careplane import: store files of FHIR resources."""

from __future__ import annotations

import asyncio
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from careplane.app.cli.options import Data, Database, Json, TenantName, say, settings

if TYPE_CHECKING:
    from careplane.app.imports.journal import Report


def import_(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Bundles, resources and NDJSON; gzip or plain; files or folders."),
    ],
    keep_ids: Annotated[
        bool,
        typer.Option("--keep-ids", help="Entries to create keep the ids that they carry."),
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Look again at what an earlier import has stored.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Store resources. It can be interrupted and run again: nothing is stored twice. A file that
    fails is named with its reason and does not stop the rest; the exit code is then 1."""
    from careplane.app import ahead

    async def work() -> Report:
        waiting = asyncio.create_task(ahead.worker())
        try:
            return await loaded(waiting)
        finally:
            await waiting  # one that is broken off while it starts would never end

    async def loaded(waiting: asyncio.Task[None]) -> Report:
        await asyncio.to_thread(import_module, "careplane.app.build")
        from careplane.app import interpreter
        from careplane.app.build import build
        from careplane.app.imports.journal import Journal
        from careplane.app.imports.sources import all_pieces, find
        from careplane.interop.bulk.loading.loader import Loader

        chosen = settings(data, database=database)
        files = list(find(paths))
        progress.files = len(files)
        here = build(chosen, for_long=True)
        interpreter.settle(validates=False, many=True)
        await waiting
        warming = asyncio.create_task(here.warm())
        journal = None
        try:
            operator = await here.operator_of(tenant)
            journal = Journal(
                chosen.data,
                progress.step,
                again=again,
                database=chosen.database,
                tenant=operator.tenant,
            )
            loader = Loader(here.door, operator, journal, keep_ids)
            await loader.run(all_pieces(files, journal.report))
            journal.report.failures.sort(key=lambda one: one[0])
            return journal.report
        finally:
            await warming
            if journal is not None:
                journal.close()
            await here.close()

    progress = _Progress(shown=not quiet and not json and sys.stderr.isatty())
    began = time.monotonic()
    report = asyncio.run(work())
    progress.end()
    _tell(report, time.monotonic() - began, json)
    if report.failures:
        raise typer.Exit(1)


class _Progress:
    """A line on a terminal that says how far the import is and how fast."""

    def __init__(self, *, shown: bool) -> None:
        self.files, self._shown = 0, shown
        self._pieces = self._resources = 0
        self._began = self._last = time.monotonic()

    def step(self, resources: int) -> None:
        self._pieces += 1
        self._resources += resources
        now = time.monotonic()
        if self._shown and now - self._last > 0.1:
            self._last = now
            rate = self._resources / (now - self._began)
            text = f"{self._pieces} pieces of {self.files} files, {self._resources:,} resources"
            sys.stderr.write(f"\r\x1b[K{text}, {rate:,.0f}/s")
            sys.stderr.flush()

    def end(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")


def _tell(report: Report, seconds: float, json: bool) -> None:
    for path, failure in report.failures:
        typer.echo(f"{path}: {failure.reason}", err=True)
    stored, known = report.stored.total(), report.known.total()
    lines = [f"{count:>10,}  {type}" for type, count in sorted(report.stored.items())]
    lines.append(f"{stored:>10,}  stored in {seconds:.1f} s, {stored / seconds:,.0f} a second")
    if known:
        lines.append(f"{known:>10,}  were there from an earlier import")
    if report.failures:
        lines.append(f"{len(report.failures):>10,}  failures, named above")
    value = {
        "stored": dict(report.stored),
        "known": dict(report.known),
        "failures": [{"path": path, "reason": f.reason} for path, f in report.failures],
        "seconds": round(seconds, 3),
    }
    say(value, "\n".join(lines), json)
