"""careplane ledger adopt: go on without the anchor."""

from __future__ import annotations

import asyncio

from careplane.app.cli.ledger.options import opened
from careplane.app.cli.options import Data, Database, Json, say, settings
from careplane.app.settings import Settings


def adopt(data: Data = None, database: Database = None, json: Json = False) -> None:
    """Take what the store says was signed for the newest there was, where the anchor is gone for
    good. Witnesses refuse the log where it was not."""
    size = asyncio.run(_adopted(settings(data, database=database)))
    say({"signed": size}, f"The log goes on from a checkpoint of {size:,} leaves.", json)


async def _adopted(chosen: Settings) -> int:
    from careplane.ledger.formats import checkpoint, note
    from careplane.ledger.log import SIGNED

    async with opened(chosen) as here:
        log = here.ledger.log()
        await log.open()
        await log.adopt()
        data = await here.ledger.store.note(SIGNED)
        return checkpoint.parse(note.parse(data).text).size if data else 0
