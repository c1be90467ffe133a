"""What the interactions work with: the door, the limits and the seal of next links."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from careplane.access.caller import Caller
from careplane.records.door import Door
from careplane.records.results import Version
from careplane.rest.links import Pages
from careplane.rest.request import Request
from careplane.rest.response import Response

Receipt: TypeAlias = Callable[[Caller, Version], Awaitable[bytes]]
"""Waits for the receipt of a version that the caller may read. Raises Busy, NotFound."""


@dataclass(frozen=True, slots=True)
class Service:
    """Handed in by `app.build`. `limit` is the largest body in bytes; `operate` calls the operation
    that a request names (of a Bundle), and with True only one that changes nothing; `receipt`
    waits for the receipt of a version, where there is a ledger."""

    door: Door
    pages: Pages
    limit: int = 10_000_000
    operate: Callable[[Request, bool], Awaitable[Response]] | None = None
    receipt: Receipt | None = None
