"""The client in step. Each method sends one of `calls`; `aio` has the same methods to await."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
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

    def read(self, type: type[R], id: str) -> R:
        """The current version of a resource."""
        return self._do(calls.read(type, id))

    def vread(self, type: type[R], id: str, version: str) -> R:
        """One version of a resource."""
        return self._do(calls.vread(type, id, version))

    def create(self, resource: R, *, if_none_exist: str | None = None) -> R:
        """Create; with criteria only if nothing matches. The resource as it was stored."""
        return self._do(calls.create(resource, if_none_exist))

    def update(
        self, resource: R, *, if_match: str | None = None, where: Parameters | None = None
    ) -> R:
        """Update by id, or what matches; with `if_match` only that version."""
        return self._do(calls.update(resource, if_match, where))

    def patch(
        self,
        type: type[R],
        id: str | None,
        change: Sequence[Mapping[str, Any]] | ParametersResource,
        *,
        if_match: str | None = None,
        where: Parameters | None = None,
    ) -> R:
        """Apply a JSON Patch, or Parameters as a FHIRPath Patch."""
        return self._do(calls.patch(type, id, change, if_match, where))

    def delete(
        self,
        type: type[Struct],
        id: str | None = None,
        *,
        if_match: str | None = None,
        where: Parameters | None = None,
    ) -> None:
        """Delete by id, or the one that matches."""
        self._do(calls.delete(type, id, if_match, where))

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
        found = self._do(calls.history(type, id, pairs(criteria)))
        yield from found.versions
        while found.next:
            found = self._do(calls.earlier(type, found.next))
            yield from found.versions

    def send(self, transaction: Transaction) -> list[Outcome]:
        """Send a transaction or batch; what became of each entry."""
        return self._do(calls.send(transaction))

    def operation(
        self,
        code: str,
        type: type[Struct] | None = None,
        id: str | None = None,
        *,
        body: Struct | None = None,
        parameters: Parameters | None = None,
    ) -> Struct:
        """Call `$code` of the system, of a type or of a resource."""
        return self._do(calls.operation(code, type, id, body, pairs(parameters)))

    def request(
        self,
        method: str,
        path: str,
        *,
        parameters: Parameters | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> httpx.Response:
        """Anything else, below the base; the answer as it came, unless it is an error."""
        return self._do(calls.raw(method, path, pairs(parameters), headers or {}, body))

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
