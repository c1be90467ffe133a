"""careplane ledger receipt: the proof that a version is in the log, as a file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from careplane.app.cli.ledger.options import opened
from careplane.app.cli.options import Data, Database, Json, say, settings
from careplane.app.settings import Settings
from careplane.kernel.errors import Incorrect, NotFound


def receipt(
    version: Annotated[str, typer.Argument(help="Type/id, or Type/id/_history/version.")],
    to: Annotated[
        Path | None, typer.Option("--to", help="File to write; default: standard output.")
    ] = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """The receipt of a version, or of its deletion; whoever can read the key may have it."""
    found = asyncio.run(_receipt(settings(data, database=database), version))
    if to is None:
        say({"receipt": found.decode()}, found.decode().rstrip("\n"), json)
        return
    try:
        to.write_bytes(found)
    except OSError as error:
        raise Incorrect(f"{to} cannot be written: {error.strerror}.") from None
    say({"file": str(to), "bytes": len(found)}, f"Written to {to}.", json)


async def _receipt(chosen: Settings, asked: str) -> bytes:
    from careplane.app.build import OPERATOR
    from careplane.kernel.clock import system_clock
    from careplane.records.account import Account
    from careplane.records.targets import place

    type, id, number = place(asked)
    async with opened(chosen) as here:
        tenant = OPERATOR.tenant
        found = (
            await here.store.read(tenant, type, id)
            if number is None
            else await here.store.vread(tenant, type, id, number)
        )
        if found is None:
            raise NotFound(f"There is no {asked[:200]}.")
        account = Account(OPERATOR, "$receipt", versions=[(type, id, found.version)])
        await here.store.append(tenant, account.success(system_clock))
        return bytes(await here.ledger.receipts.of(tenant, found))
