"""The asynchronous client: the methods of `sync`, to be awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Self, TypeVar

import httpx

from careplane.client import calls
from careplane.client.calls import Call
from careplane.client.frames import frame
from careplane.client.pages import Page, Version
from careplane.client.retries import Retries
from careplane.client.session import Session, Token, described, understood, unreachable
from careplane.client.wire import Pairs, Parameters, R, pairs

if TYPE_CHECKING:
    import polars

P = ParamSpec("P")
T = TypeVar("T")
_SECONDS = 60.0


def _sent(
    call: Callable[P, Call[T]],
) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    """The method that sends what a function of `calls` makes."""

    async def send(self: AsyncClient, /, *args: P.args, **more: P.kwargs) -> T:
        return await self._do(call(*args, **more))

    return described(send, call)


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

    read = _sent(calls.read)
    vread = _sent(calls.vread)
    create = _sent(calls.create)
    update = _sent(calls.update)
    patch = _sent(calls.patch)
    delete = _sent(calls.delete)
    send = _sent(calls.send)
    operation = _sent(calls.operation)
    request = _sent(calls.request)

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
        found = await self._do(calls.history(type, id, criteria))
        for version in found.versions:
            yield version
        while found.next:
            found = await self._do(calls.earlier(type, found.next))
            for version in found.versions:
                yield version

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
