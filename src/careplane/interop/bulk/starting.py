"""Where kick-offs become jobs: written down, then answered with the address of their status."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from careplane.access.kept import kept
from careplane.interop.bulk.asks import ASKED, Ask, Asked
from careplane.records.jobs.book import Book
from careplane.records.jobs.kind import Kind
from careplane.rest.outcome import informed
from careplane.rest.request import Request
from careplane.rest.response import Response

FOLDER = "_bulk"
"""Below the base: `_bulk/[job]` is a status, `_bulk/[job]/[file]` a file."""


@dataclass(frozen=True, slots=True)
class Starting:
    """Begins jobs of a kind."""

    book: Book
    kind: Kind

    async def start(self, request: Request, ask: Ask, told: str) -> Response:
        """202 with Content-Location, once the job is sure to be done. `told` is its progress until
        there is any."""
        query = f"?{request.query}" if request.query else ""
        address = f"{request.base}/{'/'.join(request.path)}{query}"
        caller = request.caller
        kickoff = msgspec.msgpack.encode(Asked(kept(caller), caller.address, address, ask))
        job = await self.book.add(
            self.kind.name,
            self.kind.lane,
            caller.tenant,
            caller.id,
            told=told,
            notes={ASKED: kickoff},
        )
        location = f"{request.base}/{FOLDER}/{job.id}".encode()
        text = "The job was accepted; its status is at the address in Content-Location."
        return Response(202, informed(text), [(b"content-location", location)])
