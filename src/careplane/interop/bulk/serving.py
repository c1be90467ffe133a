"""Status, cancelling and files of jobs, for who began them (Bulk Data Access 3.0, "Bulk Data Status
Request", "Delete Request", "Output File Request").

To everybody else there is no such job. A file goes to its owner with a token that has the scopes
of the kick-off; it streams, whole as gzip or plain, or a range of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

from careplane.access.caller import Caller, nobody
from careplane.interop.bulk import manifest, parts
from careplane.interop.bulk.asks import EXPORT, IMPORT, asked
from careplane.interop.bulk.importing import COUNTS
from careplane.interop.bulk.parts import Part
from careplane.interop.bulk.ranges import Span, span
from careplane.interop.bulk.starting import FOLDER
from careplane.interop.bulk.vault import Vault, gzip_size
from careplane.kernel.clock import Clock
from careplane.kernel.errors import CareplaneError, Forbidden, Issue, NotFound, Unauthenticated
from careplane.records.audited import is_audited
from careplane.records.commands import Note
from careplane.records.door import Door
from careplane.records.jobs.book import Book
from careplane.records.jobs.job import Job, State
from careplane.rest.addressing import ROOT, Addressing
from careplane.rest.negotiate import Style
from careplane.rest.outcome import MethodNotAllowed, informed, outcome, response_of
from careplane.rest.render import ALWAYS, render
from careplane.rest.request import Receive, Scope, Send
from careplane.rest.response import Header, Response, http_date

PREFIX = f"{ROOT}/{FOLDER}/"
_NDJSON: Header = (b"content-type", b"application/fhir+ndjson")
_JSON: Header = (b"content-type", b"application/json")
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes out: a head, and a body in pieces."""

    status: int
    headers: tuple[Header, ...]
    body: AsyncIterator[bytes] | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """The ASGI application of `/fhir/_bulk`. `resolve` turns a bearer token into its caller."""

    door: Door
    book: Book
    vault: Vault
    resolve: Callable[[str], Caller]
    addressing: Addressing
    clock: Clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        caller = nobody(self.addressing.client(scope, headers))
        try:
            caller = self._caller(caller.address, headers)
            answer = await self._answer(scope, headers, caller)
            first = await _first(answer, scope["method"])
        except Exception as error:
            answer = await self._refused(scope, caller, error)
            first = await _first(answer, scope["method"])
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        await send(start)
        if first:
            await send({"type": "http.response.body", "body": first, "more_body": True})
        if answer.body is not None and first:
            async for piece in answer.body:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _caller(self, address: str, headers: dict[bytes, bytes]) -> Caller:
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not token:
            raise Unauthenticated("Send a bearer token: 'Authorization: Bearer ...'.")
        return replace(self.resolve(token.strip().decode("latin-1")), address=address)

    async def _refused(self, scope: Scope, caller: Caller, error: Exception) -> Answer:
        if not is_audited(error):
            try:
                await self.door.refused(caller, scope["method"], scope["path"], error)
            except CareplaneError as unkept:
                error = unkept
        return _plain(response_of(error))

    async def _answer(self, scope: Scope, headers: dict[bytes, bytes], caller: Caller) -> Answer:
        id, _, file = scope["path"].removeprefix(PREFIX).partition("/")
        job = await self.book.find((EXPORT, IMPORT), caller.tenant, caller.id, id)
        method = scope["method"]
        allowed = ("GET", "HEAD") if file else ("GET", "HEAD", "DELETE")
        if method not in allowed:
            raise MethodNotAllowed(method, allowed)
        if file:
            return await self._file(job, file, headers, caller)
        if method == "DELETE":
            return await self._cancel(job, caller)
        await self.door.note(caller, Note("bulk-status", job.id))
        return await self._status(job, self.addressing.base(scope, headers))

    async def _cancel(self, job: Job, caller: Caller) -> Answer:
        await self.door.note(caller, Note("bulk-delete", job.id))
        await self.book.cancel(job)
        return _plain(Response(202, informed("The job is cancelled, and its output goes.")))

    async def _status(self, job: Job, base: str) -> Answer:
        if job.state is State.OPEN:
            age = (self.clock() - job.begun) // _SECOND
            wait = b"%d" % min(120, 1 + age // 10)
            headers = (
                (b"x-progress", job.told.encode()),
                (b"retry-after", wait),
                (b"content-length", b"0"),
            )
            return Answer(202, (*headers, *ALWAYS))
        if job.state is State.FAILED:
            problem = Issue("error", "processing", f"The job was not finished. {job.problem}")
            return _plain(Response(500, outcome((problem,))))
        counts = await self.book.noted(job, COUNTS)
        files, kickoff = await parts.parts(self.book, job), await asked(self.book, job)
        body = manifest.manifest(kickoff, files, f"{base}/{FOLDER}/{job.id}", counts)
        expires = (b"expires", http_date(job.expires // _SECOND))
        length = (b"content-length", b"%d" % len(body))
        return Answer(200, (_JSON, expires, length, *ALWAYS), _once(body))

    async def _file(
        self, job: Job, file: str, headers: dict[bytes, bytes], caller: Caller
    ) -> Answer:
        number = file.partition(".")[0]
        part = None
        if number.isdecimal() and len(number) <= 9:
            part = await parts.part(self.book, job, int(number))
        if job.state is not State.DONE or part is None or file != manifest.file_name(part):
            raise NotFound("There is no such file.")
        starter = (await asked(self.book, job)).caller
        if not starter.scopes <= caller.scopes or starter.patient != caller.patient:
            raise Forbidden("A file needs a token with the scopes of its kick-off.")
        await self.door.note(caller, Note("bulk-file", f"{job.id}/{file}"))
        return self._sent(part, headers)

    def _sent(self, part: Part, headers: dict[bytes, bytes]) -> Answer:
        tag = part.salt.hex().encode()
        asked = headers.get(b"range")
        if asked is not None and headers.get(b"if-range") not in (None, b'"%b"' % tag):
            asked = None
        zipped = b"gzip" in headers.get(b"accept-encoding", b"")
        common = (_NDJSON, (b"accept-ranges", b"bytes"), *ALWAYS)
        if asked is None and zipped:
            length = (b"content-length", b"%d" % gzip_size(part))
            coded = (b"content-encoding", b"gzip")
            etag = (b"etag", b'"%b-gzip"' % tag)
            return Answer(200, (length, coded, etag, *common), self.vault.gzip(part))
        wanted = span(asked, part.size)
        etag = (b"etag", b'"%b"' % tag)
        if wanted is None:
            whole = (b"content-range", b"bytes */%d" % part.size)
            return Answer(416, (whole, etag, (b"content-length", b"0"), *common))
        return self._part(part, wanted, (etag, *common))

    def _part(self, part: Part, wanted: Span, headers: tuple[Header, ...]) -> Answer:
        start, end = wanted.start, wanted.end
        length = (b"content-length", b"%d" % (end - start))
        body = self.vault.plain(part, start, end)
        if wanted.whole:
            return Answer(200, (length, *headers), body)
        place = (b"content-range", b"bytes %d-%d/%d" % (start, end - 1, part.size))
        return Answer(206, (length, place, *headers), body)


def _plain(response: Response) -> Answer:
    headers, body = render(response, Style(), gzip=False)
    return Answer(response.status, tuple(headers), _once(body))


async def _first(answer: Answer, method: str) -> bytes:
    """The first piece of the body, so that a file that cannot be read has an error of its own."""
    if answer.body is None or method == "HEAD":
        return b""
    return await anext(answer.body, b"")


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
