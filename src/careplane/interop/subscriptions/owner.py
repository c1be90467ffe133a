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
from careplane.access.scopes import parse_scopes
from careplane.kernel.errors import Incorrect
from careplane.storage.ports.records import Tenant

T = TypeVar("T")


class Seal(Protocol):
    """Authenticated encryption of small values, such as `rest.links.Pages`."""

    def seal(self, state: object) -> str:
        """A text that says nothing to others."""

    def open(self, text: str, kind: type[T]) -> T:
        """The value back, or Incorrect."""


class SubscriptionOwner(Struct, frozen=True, array_like=True):
    """A caller as it is kept. The name of the type is part of the seal."""

    tenant: int
    id: str
    name: str
    scopes: tuple[str, ...]
    patient: str | None
    roles: tuple[str, ...]


class SubscriptionBinding(Struct, frozen=True, array_like=True):
    """What a websocket's token grants: these subscriptions, until then (microseconds since 1970),
    for this caller."""

    owner: SubscriptionOwner
    subscriptions: tuple[str, ...]
    until: int


def kept(caller: Caller) -> SubscriptionOwner:
    """The caller, as it is kept."""
    return SubscriptionOwner(
        int(caller.tenant),
        caller.id,
        caller.name,
        tuple(sorted(map(str, caller.scopes))),
        caller.patient,
        tuple(sorted(caller.roles)),
    )


def caller_of(owner: SubscriptionOwner, address: str = "") -> Caller:
    """The caller again."""
    return Caller(
        Tenant(owner.tenant),
        owner.id,
        owner.name,
        parse_scopes(" ".join(owner.scopes)),
        owner.patient,
        frozenset(owner.roles),
        address,
    )


def opened(seals: Seal, text: str) -> Caller | None:
    """The owner that a subscription names, None where it names none that this server sealed."""
    try:
        return caller_of(seals.open(text, SubscriptionOwner)) if text else None
    except Incorrect:
        return None
