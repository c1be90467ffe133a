"""careplane migrate-store: all records from a data folder to a database, or back."""

from __future__ import annotations

import asyncio
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from careplane.app.cli.options import Data, Json, say, settings
from careplane.app.settings import Settings

if TYPE_CHECKING:
    from careplane.app.moving.report import Report

_SHOWN = 50
"""Differences that are printed; `--json` has more of them."""


def migrate_store(
    to: Annotated[
        str | None,
        typer.Option("--to", help="PostgreSQL address: from the data folder's files to there."),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", help="PostgreSQL address: from there into the data folder."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Move nothing; only compare the two.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Move all records with their history, the audit trail and the state of services from one
    engine to the other, and compare everything. It can be interrupted and run again. Nothing may
    run on either of them meanwhile."""
    from careplane.app import interpreter

    if (to is None) == (from_ is None):
        raise typer.BadParameter("say either --to or --from, with a PostgreSQL address")
    folder = settings(data, database="")
    database = settings(data, database=to or from_)
    source, target = (database, folder) if to is None else (folder, database)
    progress = _Progress(shown=not quiet and not json and sys.stderr.isatty())
    interpreter.settle(validates=False)
    began = time.monotonic()
    try:
        report = asyncio.run(_run(source, target, progress, check=check))
    finally:
        progress.end()
    _tell(report, time.monotonic() - began, json, "Compared" if check else "Moved and compared")
    if not report.is_same or report.unindexed:
        raise typer.Exit(1)


async def _run(source: Settings, target: Settings, progress: _Progress, *, check: bool) -> Report:
    from careplane.app import engines, keys
    from careplane.app.moving.compare import compare
    from careplane.app.moving.move import move
    from careplane.app.moving.origin import require_rest
    from careplane.kernel.clock import system_clock

    for one in (source, target):
        engines.is_shared(one)  # what is wrong with the address is said before anything is opened
    key = keys.load(source.data)
    origin = await engines.source(source, key)
    try:
        await require_rest(origin, system_clock)
        if check:
            other = await engines.source(target, key)
            try:
                await require_rest(other, system_clock)
                return await compare(origin, other, progress.step)
            finally:
                await other.close()
        taking = await engines.target(target, key)
        try:
            report = await move(origin, taking, progress.step, partial(_rest, source, target))
        finally:
            await taking.close()
    finally:
        await origin.close()
    if report.is_same:
        await _note(target)
    return report


async def _rest(source: Settings, target: Settings) -> None:
    """What is of the installation: its log, its packages and its releases of code systems."""
    await _ledger(source, target)
    await _packages(source, target)
    await _releases(source, target)


async def _releases(source: Settings, target: Settings) -> None:
    """Large code systems, as they are."""
    from careplane.app import engines, keys
    from careplane.terminology.loading.copying import copied

    key = keys.load(source.data)
    here, there = (engines.terminology(one, key, half=True) for one in (source, target))
    try:
        await copied(here, there)
    finally:
        await here.close()
        await there.close()


async def _packages(source: Settings, target: Settings) -> None:
    """Packages of definitions, as they are."""
    from careplane.app import engines, keys
    from careplane.packages.copying import copied

    key = keys.load(source.data)
    here, there = (engines.packages(one, key, half=True) for one in (source, target))
    try:
        await copied(here, there)
    finally:
        await here.close()
        await there.close()


async def _ledger(source: Settings, target: Settings) -> None:
    """The log goes on at the new place, with the same anchor."""
    from careplane.app import engines, keys
    from careplane.app.build import TENANT
    from careplane.ledger.copying import copied

    key = keys.load(source.data)
    here, there = (engines.ledger(one, key, half=True) for one in (source, target))
    try:
        await copied(here, there, [TENANT])
    finally:
        await here.close()
        await there.close()


async def _note(target: Settings) -> None:
    """The trail of the new store goes on with the move that made it."""
    from careplane.app import engines, keys
    from careplane.app.build import OPERATOR
    from careplane.kernel.clock import system_clock
    from careplane.records.account import Account

    store = engines.records(target, keys.load(target.data), system_clock)
    try:
        record = Account(OPERATOR, "migrate-store").success(system_clock)
        await store.append(OPERATOR.tenant, record)
    finally:
        await store.close()


class _Progress:
    """A line on a terminal that says how far it is and how fast."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._what = ""
        self._done = 0
        self._began = self._last = time.monotonic()

    def step(self, what: str, more: int, part: float) -> None:
        now = time.monotonic()
        if what != self._what:
            self._what, self._done, self._began = what, 0, self._last
        self._done += more
        if self._shown and now - self._last > 0.1:
            rate = self._done / (now - self._began)
            sys.stderr.write(f"\r\x1b[K{self._done:,} {what}, {part:.0%}, {rate:,.0f}/s")
            sys.stderr.flush()
        self._last = now

    def end(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")


def _tell(report: Report, seconds: float, json: bool, what: str) -> None:
    for line in report.differences[:_SHOWN]:
        typer.echo(line, err=True)
    for name in report.unindexed[:_SHOWN]:
        typer.echo(f"{name}: moved, but it cannot be indexed", err=True)
    side = report.source
    lines = [
        f"{one.resources:>12,}  {one.type}, {one.versions:,} versions (tenant {one.tenant})"
        for one in side.counts
    ]
    lines.append(
        f"{what} {side.resources:,} resources, {side.versions.rows:,} versions, "
        f"{side.audit.rows:,} audit records and {side.state.rows:,} values of services in "
        f"{seconds:.1f} s."
    )
    lines += [
        f"SHA-256 of all {name}: {mine.sha256} in the source, "
        f"{'the same' if mine == found else found.sha256} in the target."
        for name, mine, found in (
            ("versions", side.versions, report.target.versions),
            ("audit records", side.audit, report.target.audit),
            ("values of services", side.state, report.target.state),
        )
    ]
    if report.later:
        lines.append(f"The target has {report.later:,} audit records more: of its own use since.")
    if report.different:
        lines.append(f"{report.different:,} differences: the target is not what the source is.")
    value = {"same": report.is_same, "seconds": round(seconds, 3), **msgspec.to_builtins(report)}
    say(value, "\n".join(lines), json)
