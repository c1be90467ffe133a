"""What a channel promises, whatever it is."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from careplane.interop.subscriptions.subscription import Subscription


class Notification(Struct, frozen=True):
    """`raw` is the Bundle as JSON; `type` what it is, `numbers` the first and last event in it
    (0, 0 without any)."""

    type: str
    raw: bytes
    numbers: tuple[int, int] = (0, 0)


class Undelivered(Exception):
    """It did not get there; says why in words for the subscriber, without anybody's data."""


class Channel(Protocol):
    """A way to tell subscribers."""

    async def send(self, subscription: Subscription, notification: Notification) -> None:
        """Deliver it; it has been accepted when this returns. Raises Undelivered."""
