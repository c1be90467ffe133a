"""careplane package add|list|remove: definitions that others have published."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from careplane.app.cli.options import Data, Database, Json, say, settings

if TYPE_CHECKING:
    from careplane.app.build import Careplane
    from careplane.packages.adding import Outcome
    from careplane.packages.catalogue import Installed

app = typer.Typer(
    help="Packages of definitions: profiles, extensions, value sets.", no_args_is_help=True
)
Result = TypeVar("Result")


@app.command()
def add(
    sources: Annotated[
        list[str],
        typer.Argument(help="Files such as us-core.tgz, or names such as hl7.fhir.us.core#6.1.0."),
    ],
    server: Annotated[
        str | None,
        typer.Option(help="Package server; default: $CAREPLANE_PACKAGE_SERVER, or none."),
    ] = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Add packages and what they depend on, for all institutions. Servers that run know them
    within a second."""

    async def work(here: Careplane) -> list[Outcome]:
        return [await _added(here, source) for source in sources]

    names = " ".join(Path(source).name for source in sources)
    outcomes = _work(data, database, server, "package-add", names, work)
    say([_told(one) for one in outcomes], "\n".join(map(_text, outcomes)), json)


@app.command("list")
def list_(data: Data = None, database: Database = None, json: Json = False) -> None:
    """All packages that are here."""

    async def work(here: Careplane) -> list[Installed]:
        return list((await here.packaging.packages.catalogue()).packages.values())

    found = _work(data, database, None, "package-list", "", work)
    say([_shown(one) for one in found], "\n".join(map(_line, found)), json)


@app.command()
def remove(
    package: Annotated[str, typer.Argument(help="Its name, or name#version.")],
    force: Annotated[
        bool, typer.Option("--force", help="Remove it although others depend on it.")
    ] = False,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Remove a package, and with it those that only it needed."""
    name, version = _named(package)

    async def work(here: Careplane) -> list[str]:
        return await here.packaging.adding.remove(name, version, force=force)

    gone = _work(data, database, None, "package-remove", package, work)
    say(gone, "\n".join(f"removed  {id}" for id in gone), json)


async def _added(here: Careplane, source: str) -> Outcome:
    from careplane.packages.versions import LATEST

    adding = here.packaging.adding
    if Path(source).is_file() or source.endswith((".tgz", ".gz")):
        return await adding.file(Path(source))
    name, version = _named(source)
    return await adding.named(name, version or LATEST)


def _named(text: str) -> tuple[str, str]:
    """`name#version` or `name@version`; a scope has an `@` of its own in front."""
    name, _, version = (text[:1] + text[1:].replace("@", "#")).partition("#")
    return name, version


def _work(
    data: Path | None,
    database: str | None,
    server: str | None,
    operation: str,
    about: str,
    ask: Callable[[Careplane], Awaitable[Result]],
) -> Result:
    """Done on the data folder, and noted in the installation's audit trail."""
    from careplane.app.build import build
    from careplane.records.commands import Note

    async def work() -> Result:
        here = build(settings(data, database=database, package_server=server))
        try:
            result = await ask(here)
            await here.door.note(here.operator, Note(operation, about[:64]))
            return result
        finally:
            await here.close()

    return asyncio.run(work())


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "added": [
            {
                "name": one.name,
                "version": one.version,
                "new": one.is_new,
                "skipped": [skipped._asdict() for skipped in one.skipped],
            }
            for one in outcome.added
        ],
        "lacking": [
            {"name": one.name, "wanted": one.wanted, "of": one.of, "reason": one.reason}
            for one in outcome.lacking
        ],
    }


def _text(outcome: Outcome) -> str:
    lines = []
    for one in outcome.added:
        lines.append(f"{'added' if one.is_new else 'here':8} {one.name}#{one.version}")
        lines += [f"         skipped {file}: {reason}" for file, reason in one.skipped]
    lines += [f"lacking  {o.name} {o.wanted} of {o.of}: {o.reason}" for o in outcome.lacking]
    return "\n".join(lines)


def _shown(one: Installed) -> dict[str, Any]:
    about = one.manifest
    return {
        "name": about.name,
        "version": about.version,
        "title": about.title,
        "asked": one.asked,
        "built_in": one.built_in,
        "pins": dict(one.pins),
        "lacks": list(one.lacks),
    }


def _line(one: Installed) -> str:
    why = "built in" if one.built_in else "asked for" if one.asked else "needed"
    lacks = f"  (lacks {', '.join(one.lacks)})" if one.lacks else ""
    return f"{one.id:48} {why:10} {one.manifest.title}{lacks}".rstrip()
