"""careplane revoke: end an access token before its time."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from careplane.app.cli.options import Data, Database, Json, say, settings
from careplane.app.settings import Settings
from careplane.records.commands import Note

_LONGEST = 16_384


def revoke(
    source: Annotated[
        str,
        typer.Argument(
            metavar="TOKEN", help="The token; - reads it from standard input, out of sight."
        ),
    ] = "-",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """End an access token, within seconds everywhere."""
    raw = sys.stdin.read(_LONGEST) if source == "-" else source
    agent = asyncio.run(_revoke(settings(data, database=database), raw.strip()))
    say({"sub": agent, "revoked": True}, f"The token of {agent} is revoked.", json)


async def _revoke(chosen: Settings, raw: str) -> str:
    from careplane.app.build import build

    here = build(chosen)
    try:
        token = await here.authorizing.registrar.revoke(raw)
        await here.door.note(here.operator, Note("oauth-revoke", token.id))
        return token.caller.id
    finally:
        await here.close()
