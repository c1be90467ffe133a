"""A second process for what takes Python long and touches no file: validating and indexing the
resources of long Bundles, and making units of imported files.

It starts with the first long Bundle and ends with this process. The store's writer and requests
have this process' interpreter to themselves meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache

from anyio import BrokenWorkerProcess, CapacityLimiter, to_process

from careplane.app import interpreter
from careplane.kernel.errors import CareplaneError
from careplane.records import elsewhere
from careplane.records.bodies import AcceptMany, Content, Extract, Job, accepting
from careplane.search.custom import Custom

_LONG = 100
"""Resources from which the way to another process is worth its while."""

_log = logging.getLogger(__name__)


class Workers:
    """One worker process, started when it is first needed. `full_text`: whether it makes the rows
    of full-text search too."""

    def __init__(self, *, full_text: bool = False) -> None:
        self._full_text = full_text
        self._limiter = CapacityLimiter(1)

    def accepting(self, extract: Extract, customs: Sequence[Custom] = ()) -> AcceptMany:
        """Short Bundles here, long ones in the worker; here too if it has died. `extract` makes the
        rows of R4's search parameters and of `customs`."""
        here = accepting(extract)

        async def accept_many(jobs: Sequence[Job]) -> list[Content | CareplaneError]:
            if len(jobs) < _LONG:
                return await here(jobs)
            try:
                packed = elsewhere.pack(jobs, customs, full_text=self._full_text)
                answer = await self.run(elsewhere.accept_packed, packed)
            except BrokenWorkerProcess:
                _log.warning("worker process died; its work is done here")
                return await here(jobs)
            return elsewhere.unpack(answer)

        return accept_many

    async def warm(self) -> None:
        """Start the worker before it is needed."""
        await self.run(_nothing, b"")

    async def run(self, function: Callable[[bytes], bytes], data: bytes) -> bytes:
        """A function of a module, from bytes to bytes, in the worker."""
        return await to_process.run_sync(_run, function, data, limiter=self._limiter)


@cache
def settled() -> None:
    """Make the worker process, in which this is called, ready for long Bundles."""
    interpreter.settle(many=True)


def _run(function: Callable[[bytes], bytes], data: bytes) -> bytes:
    settled()
    return function(data)


def _nothing(data: bytes) -> bytes:
    return data
