"""careplane ledger status: whose log it is, how far it is, and what is in its way."""

from __future__ import annotations

import asyncio
from typing import Any

from careplane.app.cli.ledger.options import opened
from careplane.app.cli.options import Data, Database, Json, say, settings
from careplane.app.settings import Settings


def status(data: Data = None, database: Database = None, json: Json = False) -> None:
    """The log's key, size, newest checkpoints, and what has no leaf yet."""
    value = asyncio.run(_status(settings(data, database=database)))
    lines = [
        f"log {value['key']}",
        f"{value['leaves']:,} leaves; signed {value['signed']:,}, cosigned {value['cosigned']:,}",
        f"{value['waiting']:,} versions have no leaf yet",
    ]
    lines += [f"Lost: leaves {kept:,} to {size:,}" for kept, size in value["lost"]]
    lines += [f"Careful: {value['problem']}"] if value["problem"] else []
    say(value, "\n".join(lines), json)


async def _status(chosen: Settings) -> dict[str, Any]:
    from careplane.app.build import TENANT
    from careplane.ledger.following import versions_of
    from careplane.ledger.formats import checkpoint, note
    from careplane.ledger.log import COSIGNED, SIGNED
    from careplane.ledger.scrub import apart

    async with opened(chosen) as here:
        ledger = here.ledger
        sizes = {}
        for name in (SIGNED, COSIGNED):
            data = await ledger.store.note(name)
            sizes[name] = checkpoint.parse(note.parse(data).text).size if data else 0
        newest, _ = await here.store.horizon(TENANT)
        return {
            "name": ledger.identity.origin,
            "key": str(ledger.identity.signers[0].verifier),
            "leaves": await ledger.store.size(),
            **sizes,
            "waiting": max(0, newest - await ledger.store.mark(versions_of(TENANT))),
            "witnesses": sorted(ledger.policy.witnesses),
            "lost": [(one.kept, one.size) for one in await ledger.store.losses()],
            "problem": await apart(ledger.store, ledger.anchors, ledger.identity),
        }
