"""How a worker reports to the head of its server: a socket in a folder of theirs, which gives a
snapshot to whoever connects; and a file with the last one, when the worker ends."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from careplane.app.operations.tally import Snapshot, packed
from careplane.kernel.errors import CareplaneError

ENVIRONMENT = "CAREPLANE_REPORTS"
"""Names the folder to a worker; set by the head, no setting of the operator."""
LIVE, LAST = ".sock", ".last"
Ask = Callable[[], Awaitable[Snapshot]]


class Reporter:
    """The worker's end. `ask` makes a snapshot."""

    def __init__(self, folder: Path, ask: Ask) -> None:
        self._path = folder / str(os.getpid())
        self._ask = ask
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Report from now on."""
        path = self._path.with_suffix(LIVE)
        self._server = await asyncio.start_unix_server(self._serve, path)

    async def stop(self) -> None:
        """Leave the last snapshot behind; before the store is closed."""
        if self._server is None:
            return
        self._server.close()
        # where the head has gone already nobody asks any more
        with suppress(CareplaneError, OSError):
            part = self._path.with_suffix(".part")
            part.write_bytes(packed(await self._ask()))
            part.replace(self._path.with_suffix(LAST))
            self._path.with_suffix(LIVE).unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(CareplaneError, OSError):
            writer.write(packed(await self._ask()))
            await writer.drain()
        writer.close()
