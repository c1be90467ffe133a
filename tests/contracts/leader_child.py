"""A process to be killed: it leads on a state, and says so on standard output.

python -m tests.contracts.leader_child (sqlite FOLDER | postgres URL)
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from careplane.app.background import Background
from careplane.kernel.clock import system_clock
from careplane.storage.engines import postgres, sqlite
from careplane.storage.ports.state import StateStore

KEY = bytes(range(32))


def opened(engine: str, where: str) -> StateStore:
    """The state there."""
    return sqlite.open_state(Path(where), KEY) if engine == "sqlite" else postgres.open_state(where)


async def _lead(state: StateStore) -> None:
    async def service() -> None:
        os.write(1, b"leads\n")
        await asyncio.Event().wait()

    Background(state, system_clock, [service]).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_lead(opened(*sys.argv[1:])))
