"""What the service works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from careplane.access.caller import Caller
from careplane.interop.subscriptions.channel import Channel
from careplane.interop.subscriptions.journal import Journal
from careplane.interop.subscriptions.owner import Seal
from careplane.interop.subscriptions.sight import Sight
from careplane.interop.subscriptions.topics import Topics
from careplane.kernel.clock import Clock
from careplane.records.bodies import Extract
from careplane.records.door import Door
from careplane.search.rows import Rows
from careplane.storage.ports.records import Tenant


@dataclass(frozen=True, slots=True)
class Tools:
    """All of it, wired by the room."""

    door: Door
    journal: Journal
    topics: Topics
    seals: Seal
    caller: Caller
    tenant: Tenant
    sight: Sight
    extract: Extract
    clock: Clock
    channels: dict[str, Channel]
    base: str
    attempts: int
    ring: Callable[[str], None]
    """Tells sockets of this process that a subscription has news."""
    rows: dict[int, Rows]
    """Rows of versions that this process has just written, by sequence number, until they are
    matched."""
