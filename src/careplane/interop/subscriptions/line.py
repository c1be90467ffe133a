"""One subscription at work: what it asks for, for whom, and how far it is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from careplane.access.caller import Caller
from careplane.interop.subscriptions.journal import Standing
from careplane.interop.subscriptions.matching import Rule
from careplane.interop.subscriptions.subscription import Subscription
from careplane.search.plan import Node


@dataclass(slots=True)
class Line:
    """Mutable: this is the place where a subscription's numbers stand while it runs. `version` is
    that of the resource; `number` and `t` are those of the last event; `spoke` is when something
    was last sent (microseconds since 1970)."""

    subscription: Subscription
    owner: Caller
    version: int
    standing: Standing
    rules: tuple[Rule, ...] = ()
    nodes: dict[str, Node] = field(default_factory=dict)
    number: int = 0
    t: int = 0
    spoke: int = 0
    task: asyncio.Task[None] | None = None

    @property
    def id(self) -> str:
        """The id of the resource."""
        return self.subscription.id

    @property
    def waiting(self) -> bool:
        """Whether there are events that were not told."""
        return self.number > self.standing.delivered
