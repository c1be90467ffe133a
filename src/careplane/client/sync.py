"""The client in step. Methods send one of `calls`; `aio` has the same ones to await."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
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


def _sent(call: Callable[P, Call[T]]) -> Callable[Concatenate[Client, P], T]:
    """The method that sends what a function of `calls` makes."""

    def send(self: Client, /, *args: P.args, **more: P.kwargs) -> T:
        return self._do(call(*args, **more))

    return described(send, call)


class Client:
    """One server, seen by the holder of one token. Close it, or use it as a context."""

    def __init__(
        self,
        base: str,
        token: Token | None = None,
        *,
        timeout: float = _SECONDS,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._session = Session(base, token)
        self._retries = retries or Retries()
        self._http = httpx.Client(timeout=timeout, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

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

    def history(
        self, type: type[R], id: str | None = None, criteria: Parameters | None = None
    ) -> Iterator[Version[R]]:
        """The versions of a resource or of a type, the latest first."""
        found = self._do(calls.history(type, id, criteria))
        yield from found.versions
        while found.next:
            found = self._do(calls.earlier(type, found.next))
            yield from found.versions

    def _do(self, call: Call[T]) -> T:
        attempt = 1
        while True:
            try:
                answer = self._http.request(**self._session.arguments(call))
            except httpx.HTTPError as error:
                raise unreachable(self._session.base, error) from error
            wait = self._retries.wait(answer, attempt, call.repeatable)
            if wait is None:
                return understood(call, answer)
            time.sleep(wait)
            attempt += 1


class Matches(Generic[R]):
    """What a search finds. Iterated again, it asks again."""

    def __init__(self, client: Client, type: type[R], found: Pairs, strict: bool) -> None:
        self._client = client
        self._type = type
        self._found = found
        self._strict = strict

    def pages(self) -> Iterator[Page[R]]:
        """Page by page, with what was included, and the total if the server says it."""
        page = self._client._do(calls.search(self._type, self._found, self._strict))
        yield page
        while page.next:
            page = self._client._do(calls.further(self._type, page.next))
            yield page

    def __iter__(self) -> Iterator[R]:
        for page in self.pages():
            yield from page.matches

    def first(self) -> R | None:
        """The first match, if there is one."""
        return next(iter(self), None)

    def count(self) -> int | None:
        """How many match, without fetching them."""
        found = [*self._found, ("_summary", "count")]
        return self._client._do(calls.search(self._type, found, self._strict)).total

    def to_polars(self, columns: Mapping[str, str]) -> polars.DataFrame:
        """A row for each match, a column for each FHIRPath expression."""
        return frame((raw for page in self.pages() for raw in page.raw), columns)
