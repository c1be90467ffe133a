"""A request, as the interactions see it: read from ASGI piece by piece, as far as it is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from msgspec import Struct

from careplane.access.caller import Caller
from careplane.rest.prefer import Prefer, prefer
from careplane.rest.watch import Seen
from careplane.search.parse import parse_query

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Pairs = tuple[tuple[str, str], ...]


class Request(Struct):
    """`path` are the parts of the address below the base, decoded; `query` is as sent; `seen` is
    where an interaction notes what should be counted."""

    method: str
    path: tuple[str, ...]
    query: str
    headers: dict[bytes, bytes]
    base: str
    caller: Caller
    receive: Receive
    seen: Seen
    _pairs: Pairs | None = None

    def header(self, name: bytes) -> str | None:
        """A header by its lower-case name."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def pairs(self) -> Pairs:
        """The parameters of the address, decoded, in their order."""
        if self._pairs is None:
            self._pairs = tuple(parse_query(self.query)) if self.query else ()
        return self._pairs

    def parameter(self, name: str) -> str | None:
        """The first value of a parameter."""
        if name not in self.query:
            return None
        return next((value for key, value in self.pairs if key == name), None)

    @property
    def prefer(self) -> Prefer:
        """The preferences of the client."""
        return prefer(self.header(b"prefer") or "")
