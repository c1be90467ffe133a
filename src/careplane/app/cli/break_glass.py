"""careplane break-glass list|review: emergency access that somebody must look at."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from careplane.app.cli.options import Data, Database, Json, say, settings
from careplane.app.settings import Settings
from careplane.kernel.clock import format_instant

if TYPE_CHECKING:
    from careplane.records.break_glass import Case

app = typer.Typer(help="Review emergency access to records.", no_args_is_help=True)


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Also those that were reviewed.")] = False,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Cases that wait for a review, oldest first."""
    cases = asyncio.run(_cases(settings(data, database=database), every=every))
    text = "\n".join(map(_line, cases)) or "No case waits for a review."
    say(msgspec.to_builtins(cases), text, json)


@app.command()
def review(
    case: Annotated[str, typer.Argument(help="Id of the case, as list prints it.")],
    finding: Annotated[str, typer.Option(help="What the review has found.")],
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Note the outcome of a review."""
    done = asyncio.run(_review(settings(data, database=database), case, finding))
    say(msgspec.to_builtins(done), f"Case {done.id} is reviewed.", json)


def _line(case: Case) -> str:
    reviewed = f"  reviewed by {case.reviewer}" if case.reviewer else ""
    return (
        f"{case.id}  {format_instant(case.opened)}  {case.agent}  Patient/{case.patient}{reviewed}"
    )


async def _cases(chosen: Settings, *, every: bool) -> list[Case]:
    from careplane.app.build import build

    here = build(chosen)
    try:
        glass = here.glass
        return await (glass.cases if every else glass.waiting)(here.operator)
    finally:
        await here.close()


async def _review(chosen: Settings, case: str, finding: str) -> Case:
    from careplane.app.build import build

    here = build(chosen)
    try:
        return await here.glass.review(here.door, here.operator, case, finding)
    finally:
        await here.close()
