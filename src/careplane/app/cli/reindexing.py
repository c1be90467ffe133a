"""careplane reindex: index rows of all current resources, made anew."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import typer

from careplane.app.cli.options import Data, Json, TenantName, say, settings
from careplane.app.settings import Settings
from careplane.records.commands import Reindexing, StartReindex
from careplane.records.walk import Walk

_LOOKED_SECONDS = 0.5


def reindex(
    tenant: TenantName = "",
    data: Data = None,
    custom: Annotated[
        bool, typer.Option("--custom", help="Only search parameters that were defined here.")
    ] = False,
    json: Json = False,
) -> None:
    """Make the index rows of all current resources anew."""
    job = asyncio.run(_reindex(settings(data), tenant, everything=not custom))
    text = (
        f"{job.state}: {job.visited:,} resources visited, {job.changed:,} changed, "
        f"{job.same:,} as they were, {job.skipped:,} deleted meanwhile, {job.failed:,} failed"
    )
    failing = f" ({', '.join(job.failing)})" if job.failing else ""
    problem = f". {job.problem}" if job.problem else ""
    say(msgspec.to_builtins(job), text + failing + problem, json)
    if job.state == "failed":
        raise typer.Exit(1)


async def _reindex(chosen: Settings, tenant: str, *, everything: bool) -> Walk:
    """Carried out here, unless a server on the folder does it."""
    from careplane.app.build import build

    here = build(chosen, for_long=True)
    try:
        operator = await here.operator_of(tenant)
        job = await here.door.start_reindex(operator, StartReindex(everything=everything))
        here.background.start()
        while not job.is_over:
            await asyncio.sleep(_LOOKED_SECONDS)
            job = await here.door.reindexing(operator, Reindexing(job.id))
        return job
    finally:
        await here.close()
