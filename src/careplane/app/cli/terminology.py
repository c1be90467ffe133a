"""careplane terminology load|list|remove: releases of large code systems."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
import typer

from careplane.app.cli.options import Data, Database, Json, say, settings
from careplane.kernel.errors import Incorrect, NotFound

if TYPE_CHECKING:
    from careplane.storage.ports.terminology import Held, TerminologyStore
    from careplane.terminology.loading.loader import Loaded

app = typer.Typer(
    help="Large code systems: SNOMED CT, LOINC, RxNorm and others.", no_args_is_help=True
)
Result = TypeVar("Result")
_OFTEN = 0.2


@app.command()
def load(
    format: Annotated[
        str,
        typer.Argument(help="atc, csv, fhir, icd10cm, loinc, rxnorm, snomed or ucum."),
    ],
    path: Annotated[Path, typer.Argument(help="Folder, zip archive or file of the release.")],
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", help="name=value, such as version=2.80. May be repeated."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Load a release, for all institutions; the same version takes the place of what was there.
    All of it is seen when it is whole; broken off, nothing has changed. Servers that run know it
    within seconds."""
    progress = _Progress(shown=not quiet and not json and sys.stderr.isatty())
    options = dict(map(_option, option or ()))

    async def work(store: TerminologyStore, scratch: Path) -> Loaded:
        from careplane.terminology.importers import opened
        from careplane.terminology.loading.loader import load
        from careplane.terminology.releases import FRESH

        before = {one.number for one in await store.held()}
        loaded = await load(store, opened(format, path, options), scratch, progress.step)
        if before - {one.number for one in await store.held()}:
            await asyncio.sleep(FRESH)  # until no server reads the one before
        await store.sweep()
        return loaded

    began = time.monotonic()
    try:
        loaded = _work(data, database, "terminology-load", f"{format} {path.name}", work)
    finally:
        progress.end()
    text = (
        f"{loaded.url}|{loaded.version}: {loaded.concepts:,} concepts with "
        f"{loaded.designations:,} designations in {time.monotonic() - began:.1f} s."
    )
    say(msgspec.to_builtins(loaded), text, json)


@app.command("list")
def list_(data: Data = None, database: Database = None, json: Json = False) -> None:
    """All releases that are here."""

    async def work(store: TerminologyStore, _: Path) -> list[Held]:
        return list(await store.held())

    found = _work(data, database, "terminology-list", "", work)
    lines = [f"{one.count:>12,}  {one.url}|{one.version}" for one in found]
    say([_shown(one) for one in found], "\n".join(lines), json)


@app.command()
def remove(
    system: Annotated[str, typer.Argument(help="Its url, or url|version.")],
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Remove a release. Of several versions, name one."""
    url, _, version = system.partition("|")

    async def work(store: TerminologyStore, _: Path) -> Held:
        found = [o for o in await store.held() if o.url == url and version in ("", o.version)]
        if not found:
            raise NotFound(f"There is no {system} here; see careplane terminology list.")
        if len(found) > 1:
            raise Incorrect(f"There are {len(found)} versions of {url}: name one, as url|version.")
        await store.drop(found[0].number)
        await store.sweep()
        return found[0]

    gone = _work(data, database, "terminology-remove", system, work)
    say(_shown(gone), f"removed  {gone.url}|{gone.version}", json)


def _work(
    data: Path | None,
    database: str | None,
    operation: str,
    about: str,
    ask: Callable[[TerminologyStore, Path], Awaitable[Result]],
) -> Result:
    """Done on the data folder, and noted in the installation's audit trail."""
    from careplane.app import engines, keys
    from careplane.app.build import build
    from careplane.records.commands import Note

    chosen = settings(data, database=database)

    async def work() -> Result:
        here = build(chosen)
        store = engines.terminology(chosen, keys.load(chosen.data))
        try:
            result = await ask(store, chosen.data)
            await here.door.note(here.operator, Note(operation, about[:64]))
            return result
        finally:
            await store.close()
            await here.close()

    return asyncio.run(work())


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"write --option name=value, not {text!r}")
    return name.strip(), value


def _shown(one: Held) -> dict[str, Any]:
    return {"url": one.url, "version": one.version, "concepts": one.count}


class _Progress:
    """A line on a terminal that says how far it is."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._last = 0.0

    def step(self, what: str, done: int, total: int) -> None:
        """See `loading.loader.Step`."""
        now = time.monotonic()
        if self._shown and now - self._last > _OFTEN:
            self._last = now
            of = f" of {total:,}" if total else ""
            sys.stderr.write(f"\r\x1b[K{what}: {done:,}{of}")
            sys.stderr.flush()

    def end(self) -> None:
        """The line goes."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
