"""A service that every institution has: begun where there is a new one, or it has been changed;
ended where it is gone or disabled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from careplane.access.tenants.institution import Institution
from careplane.kernel.observe import describe

Serve = Callable[[Institution], Awaitable[None]]
"""Runs until it is cancelled; what it raises is logged, and it is begun again."""
_LOOKED_SECONDS, _AGAIN_SECONDS = 1.0, 2.0
_log = logging.getLogger(__name__)


class Each:
    """A service of the background (app.background), made of one for each institution. `all` are
    those that there are now."""

    def __init__(self, all: Callable[[], Iterable[Institution]], serve: Serve) -> None:
        self._all = all
        self._serve = serve

    async def __call__(self) -> None:
        """Until it is cancelled."""
        running: dict[Institution, asyncio.Task[None]] = {}
        try:
            while True:
                wanted = dict.fromkeys(self._all())
                await _ended([running.pop(one) for one in list(running) if one not in wanted])
                for one in wanted:
                    if one not in running:
                        running[one] = asyncio.create_task(self._endless(one))
                await asyncio.sleep(_LOOKED_SECONDS)
        finally:
            await _ended(list(running.values()))

    async def _endless(self, institution: Institution) -> None:
        while True:
            try:
                await self._serve(institution)
            except Exception as error:
                _log.error(
                    "A service of institution %d has failed and is begun again: %s",
                    institution.number,
                    describe(error),
                )
            await asyncio.sleep(_AGAIN_SECONDS)


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
