"""What the interactions work with: the door, the limits and the seal of next links."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.records.door import Door
from careplane.rest.links import Pages


@dataclass(frozen=True, slots=True)
class Service:
    """Handed in by `app.build`. `limit` is the largest body in bytes."""

    door: Door
    pages: Pages
    limit: int = 10_000_000
