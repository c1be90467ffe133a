"""Requests that are carried out after they were answered: `Prefer: respond-async` (FHIR R4, 3.2.9
async.html, with the answer of R5's async-bundle: a batch-response Bundle with one entry).

202 with the address of a status; there 202 while it runs, then the Bundle; DELETE cancels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

import msgspec
from msgspec.structs import replace as changed

from careplane.access.caller import Caller
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Fault, TooLarge
from careplane.records.jobs.book import Book
from careplane.records.jobs.job import Job, State
from careplane.records.jobs.kind import Kind
from careplane.records.jobs.lane import Lane
from careplane.records.jobs.runner import LOST, Runner
from careplane.records.jobs.work import Work
from careplane.rest import body
from careplane.rest.bundle import answered, bundle
from careplane.rest.links import address
from careplane.rest.outcome import MethodNotAllowed, informed, response_of
from careplane.rest.request import Request
from careplane.rest.response import Response, http_date

PATH = "_async"
_MOST = 15_000_000
_SHOWN = {b"location": "location", b"etag": "etag"}
_RETRY = (b"retry-after", b"1")
_RESULT = "result"
KIND = Kind("request", Lane("request", 16, 4, most_open=500, most_kept=500), kept=3_600_000_000)
"""Not begun again where its process has ended: the client knows whether it may be sent twice."""
Answer = Callable[[Request], Awaitable[Response]]


class _Kept(msgspec.Struct, array_like=True):
    """An answer as it is kept."""

    status: int
    body: bytes
    headers: dict[str, str]


class Later:
    """Takes requests and answers for them."""

    def __init__(self, runner: Runner, book: Book, clock: Clock, limit: int) -> None:
        self._runner = runner
        self._book = book
        self._clock = clock
        self._limit = limit

    async def take(self, request: Request, answer: Answer) -> Response:
        """202: `answer`, which must not raise, is carried out later."""
        caller = request.caller
        owner = _owner(caller)
        self._runner.check(KIND, owner)
        later = await _held(request, self._limit)

        async def run(work: Work) -> None:
            await work.note(_RESULT, _kept(await answer(later)))

        job = await self._runner.here(KIND, caller.tenant, owner, run)
        where = address(request.base, PATH, job.id).encode()
        text = "Accepted; the status is at the address in Content-Location."
        return Response(202, informed(text), [(b"content-location", where)])

    async def status(self, request: Request) -> Response:
        """GET and DELETE of a status."""
        caller = request.caller
        if request.method not in ("GET", "HEAD", "DELETE"):
            raise MethodNotAllowed(request.method, ("GET", "HEAD", "DELETE", "OPTIONS"))
        id = request.path[-1]
        job = await self._book.find((KIND.name,), caller.tenant, _owner(caller), id)
        if request.method == "DELETE":
            await self._runner.cancel(job)
            return Response(202, informed("Cancelled; nothing of it is kept."))
        if job.state is State.OPEN and not job.is_lost(self._clock()):
            seconds = max(self._clock() - job.begun, 0) // 1_000_000
            progress = (b"x-progress", b"running for %d s" % seconds)
            return Response(202, informed("In progress."), [progress, _RETRY])
        return await self._over(job)

    async def _over(self, job: Job) -> Response:
        result = await self._book.noted(job, _RESULT) if job.state is State.DONE else None
        kept = _read(result) if result else _read(_kept(response_of(Fault(LOST))))
        expires = [(b"expires", http_date(job.expires // 1_000_000))] if job.expires else []
        return Response(200, _bundle(kept), expires)


def _owner(caller: Caller) -> str:
    """Stands for who may know of it: the same caller, with the same rights."""
    rights = (caller.id, caller.patient or "", *sorted(map(str, caller.scopes)))
    return hashlib.blake2b("\n".join(rights).encode(), digest_size=16).hexdigest()


async def _held(request: Request, limit: int) -> Request:
    """The request with its whole body, which is there only as long as it is not answered."""
    raw = await body.content(request, limit) if request.method != "GET" else b""

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": raw, "more_body": False}

    gone = (b"prefer", b"content-encoding", b"content-length")
    headers = {name: value for name, value in request.headers.items() if name not in gone}
    prefer = [
        part
        for part in (request.header(b"prefer") or "").split(",")
        if part.strip().lower() != "respond-async"
    ]
    if prefer:
        headers[b"prefer"] = ",".join(prefer).encode()
    return changed(request, headers=headers, receive=receive)


def _kept(response: Response) -> bytes:
    if len(response.body) > _MOST:
        large = TooLarge("The answer is too large to be kept; ask for pages, or for bulk data.")
        response = response_of(large)
    shown = {_SHOWN[name]: value.decode() for name, value in response.headers if name in _SHOWN}
    return msgspec.msgpack.encode(_Kept(response.status, response.body, shown))


def _read(result: bytes) -> _Kept:
    return msgspec.msgpack.decode(result, type=_Kept)


def _bundle(kept: _Kept) -> bytes:
    response = {"status": str(kept.status), **kept.headers}
    failed = kept.status >= 400
    entry = answered(b"" if failed else kept.body, response, kept.body if failed else b"")
    return bundle("batch-response", [entry])
