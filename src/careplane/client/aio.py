"""The asynchronous client: the methods of `sync`, to be awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import httpx

from careplane.client import calls
from careplane.client.calls import Call
from careplane.client.frames import frame
from careplane.client.pages import Page, Version
from careplane.client.retries import Retries
from careplane.client.session import Session, Token, understood, unreachable
from careplane.client.transaction import Outcome, Transaction
from careplane.client.wire import Pairs, Parameters, R, pairs
from careplane.fhir.generated.structs.parameters import Parameters as ParametersResource
from careplane.fhir.structs import Struct

if TYPE_CHECKING:
    import polars

T = TypeVar("T")
_SECONDS = 60.0


class AsyncClient:
    """One server, seen by the holder of one token. Close it, or use it as a context."""

    def __init__(
        self,
        base: str,
        token: Token | None = None,
        *,
        timeout: float = _SECONDS,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._session = Session(base, token)
        self._retries = retries or Retries()
        self._http = httpx.AsyncClient(timeout=timeout, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def read(self, type: type[R], id: str) -> R:
        """The current version of a resource."""
        return await self._do(calls.read(type, id))

    async def vread(self, type: type[R], id: str, version: str) -> R:
        """One version of a resource."""
        return await self._do(calls.vread(type, id, version))

    async def create(self, resource: R, *, if_none_exist: str | None = None) -> R:
        """Create; with criteria only if nothing matches. The resource as it was stored."""
        return await self._do(calls.create(resource, if_none_exist))

    async def update(
        self, resource: R, *, if_match: str | None = None, where: Parameters | None = None
    ) -> R:
        """Update by id, or what matches; with `if_match` only that version."""
        return await self._do(calls.update(resource, if_match, where))

    async def patch(
        self,
        type: type[R],
        id: str | None,
        change: Sequence[Mapping[str, Any]] | ParametersResource,
        *,
        if_match: str | None = None,
        where: Parameters | None = None,
    ) -> R:
        """Apply a JSON Patch, or Parameters as a FHIRPath Patch."""
        return await self._do(calls.patch(type, id, change, if_match, where))

    async def delete(
        self,
        type: type[Struct],
        id: str | None = None,
        *,
        if_match: str | None = None,
        where: Parameters | None = None,
    ) -> None:
        """Delete by id, or the one that matches."""
        await self._do(calls.delete(type, id, if_match, where))

    def search(
        self, type: type[R], criteria: Parameters | None = None, *, strict: bool = True, **more: Any
    ) -> Matches[R]:
        """All that matches, page by page as it is iterated. A parameter that the server does not
        understand is an error, unless `strict` is off."""
        return Matches(self, type, pairs(criteria, more), strict)

    async def history(
        self, type: type[R], id: str | None = None, criteria: Parameters | None = None
    ) -> AsyncIterator[Version[R]]:
        """The versions of a resource or of a type, the latest first."""
        found = await self._do(calls.history(type, id, pairs(criteria)))
        for version in found.versions:
            yield version
        while found.next:
            found = await self._do(calls.earlier(type, found.next))
            for version in found.versions:
                yield version

    async def send(self, transaction: Transaction) -> list[Outcome]:
        """Send a transaction or batch; what became of each entry."""
        return await self._do(calls.send(transaction))

    async def operation(
        self,
        code: str,
        type: type[Struct] | None = None,
        id: str | None = None,
        *,
        body: Struct | None = None,
        parameters: Parameters | None = None,
    ) -> Struct:
        """Call `$code` of the system, of a type or of a resource."""
        return await self._do(calls.operation(code, type, id, body, pairs(parameters)))

    async def request(
        self,
        method: str,
        path: str,
        *,
        parameters: Parameters | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> httpx.Response:
        """Anything else, below the base; the answer as it came, unless it is an error."""
        return await self._do(calls.raw(method, path, pairs(parameters), headers or {}, body))

    async def _do(self, call: Call[T]) -> T:
        attempt = 1
        while True:
            try:
                answer = await self._http.request(**self._session.arguments(call))
            except httpx.HTTPError as error:
                raise unreachable(self._session.base, error) from error
            wait = self._retries.wait(answer, attempt, call.repeatable)
            if wait is None:
                return understood(call, answer)
            await asyncio.sleep(wait)
            attempt += 1


class Matches(Generic[R]):
    """What a search finds. Iterated again, it asks again."""

    def __init__(self, client: AsyncClient, type: type[R], found: Pairs, strict: bool) -> None:
        self._client = client
        self._type = type
        self._found = found
        self._strict = strict

    async def pages(self) -> AsyncIterator[Page[R]]:
        """Page by page, with what was included, and the total if the server says it."""
        page = await self._client._do(calls.search(self._type, self._found, self._strict))
        yield page
        while page.next:
            page = await self._client._do(calls.further(self._type, page.next))
            yield page

    async def __aiter__(self) -> AsyncIterator[R]:
        async for page in self.pages():
            for match in page.matches:
                yield match

    async def first(self) -> R | None:
        """The first match, if there is one."""
        return await anext(aiter(self), None)

    async def count(self) -> int | None:
        """How many match, without fetching them."""
        found = [*self._found, ("_summary", "count")]
        return (await self._client._do(calls.search(self._type, found, self._strict))).total

    async def to_polars(self, columns: Mapping[str, str]) -> polars.DataFrame:
        """A row for each match, a column for each FHIRPath expression."""
        return frame([raw async for page in self.pages() for raw in page.raw], columns)
