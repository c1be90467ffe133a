"""careplane export: write the current resources as NDJSON, one file a type."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from careplane.app.cli.options import Data, Database, Json, TenantName, say, settings


def export(
    out: Annotated[Path, typer.Argument(help="Folder to write to; made if it is missing.")],
    type: Annotated[
        list[str] | None, typer.Option("--type", help="Only these types; may be repeated.")
    ] = None,
    compress: Annotated[bool, typer.Option("--gzip", help="Write gzip files.")] = False,
    tenant: TenantName = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Write every current resource that is not deleted: OUT/Patient.ndjson and so on. The files are
    what careplane import reads."""
    from careplane.app.build import build
    from careplane.app.exports import Exporter

    async def work() -> dict[str, int]:
        here = build(settings(data, database=database))
        try:
            operator = await here.operator_of(tenant)
            return await Exporter(here.door, operator, out, compress).run(type or ())
        finally:
            await here.close()

    counts = asyncio.run(work())
    lines = [f"{count:>10,}  {name}" for name, count in sorted(counts.items())]
    lines.append(f"{sum(counts.values()):>10,}  written to {out}")
    say({"out": str(out), "counts": counts}, "\n".join(lines), json)
