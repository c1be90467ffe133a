"""What the interactions work with: the door, the limits and the seal of next links."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from careplane.records.door import Door
from careplane.rest.links import Pages
from careplane.rest.request import Request
from careplane.rest.response import Response


@dataclass(frozen=True, slots=True)
class Service:
    """Handed in by `app.build`. `limit` is the largest body in bytes; `operate` calls the operation
    that a request names (of a Bundle), and with True only one that changes nothing."""

    door: Door
    pages: Pages
    limit: int = 10_000_000
    operate: Callable[[Request, bool], Awaitable[Response]] | None = None
