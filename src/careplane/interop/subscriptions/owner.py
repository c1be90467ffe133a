"""For whom a subscription speaks: the caller who wrote it last, sealed into the resource.

A notification shows what this caller may read and nothing else. Whoever changes the endpoint is the
owner from then on, so nobody has another's records sent to himself. The seal can be opened, made
and altered by this server alone, and it goes wherever the resource goes: into the same unit of
work, a backup, a restored copy.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from msgspec import Struct

from careplane.access.caller import Caller
from careplane.access.kept import KeptCaller
from careplane.kernel.errors import Incorrect

T = TypeVar("T")


class Seal(Protocol):
    """Authenticated encryption of small values, such as `rest.links.Pages`."""

    def seal(self, state: object) -> str:
        """A text that says nothing to others."""

    def open(self, text: str, kind: type[T]) -> T:
        """The value back, or Incorrect."""


class SubscriptionBinding(Struct, frozen=True, array_like=True):
    """What a websocket's token grants: these subscriptions, until then (microseconds since 1970),
    for this caller."""

    owner: KeptCaller
    subscriptions: tuple[str, ...]
    until: int


def opened(seals: Seal, text: str) -> Caller | None:
    """The owner that a subscription names, None where it names none that this server sealed."""
    try:
        return seals.open(text, KeptCaller).caller() if text else None
    except Incorrect:
        return None
