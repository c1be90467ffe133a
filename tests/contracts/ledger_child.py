"""A log in a process of its own, which is killed: prints what it was told is durable or signed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from careplane.ledger.anchor import AnchorFile
from careplane.ledger.formats import checkpoint
from careplane.ledger.log import Log
from careplane.storage.engines import postgres, sqlite
from tests.unit.ledger.logs import IDENTITY, SECRET, clock, sealed


def say(kind: str, number: int, data: bytes) -> None:
    sys.stdout.write(f"{kind} {number} {data.hex()}\n")
    sys.stdout.flush()


async def main(folder: Path, url: str) -> None:
    store = postgres.open_ledger(url) if url else sqlite.open_ledger(folder, SECRET)
    anchors = AnchorFile(folder / "anchor")
    log = Log(store, anchors, IDENTITY, clock, witnessed=False)
    await log.open()

    async def append() -> None:
        while True:
            (leaf,) = sealed(1)
            number = await log.append([leaf])
            say("leaf", number, leaf.entry)

    async def sign() -> None:
        while True:
            if signed := await log.sign():
                head = checkpoint.parse(signed.text)
                say("signed", head.size, head.root)
            await asyncio.sleep(0)

    await asyncio.gather(append(), append(), append(), sign())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
