"""Where kick-offs become jobs: written down, then answered with the address of their status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from careplane.interop.bulk.jobs import Ask, Job, Jobs, owner
from careplane.kernel.clock import Clock
from careplane.kernel.ids import NewId
from careplane.rest.outcome import informed
from careplane.rest.request import Request
from careplane.rest.response import Response

FOLDER = "_bulk"
"""Below the base: `_bulk/[job]` is a status, `_bulk/[job]/[file]` a file."""


@dataclass(frozen=True, slots=True)
class Starting:
    """Begins jobs. `told` wakes who does them, if they are done by this process."""

    jobs: Jobs
    clock: Clock
    new_id: NewId
    told: Callable[[], None]

    async def start(self, request: Request, ask: Ask) -> Response:
        """202 with Content-Location, once the job is sure to be done."""
        query = f"?{request.query}" if request.query else ""
        address = f"{request.base}/{'/'.join(request.path)}{query}"
        caller = request.caller
        job = Job(self.new_id(), caller.tenant, owner(caller), address, self.clock(), ask)
        await self.jobs.add(job)
        self.told()
        location = f"{request.base}/{FOLDER}/{job.id}".encode()
        text = "The job was accepted; its status is at the address in Content-Location."
        return Response(202, informed(text), [(b"content-location", location)])
