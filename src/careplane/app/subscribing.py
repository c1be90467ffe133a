"""Subscriptions, wired from the settings."""

from __future__ import annotations

from collections.abc import Callable

from careplane.access.decide import ViewOf
from careplane.access.tenants.institution import FIRST
from careplane.app.keys import Keys
from careplane.app.mailing import mailbox_of
from careplane.app.settings import Settings
from careplane.interop.subscriptions.reach import Reach
from careplane.interop.subscriptions.room import House, Subscriptions
from careplane.interop.subscriptions.rooms import Rooms
from careplane.kernel.clock import Clock
from careplane.records.bodies import Extract
from careplane.rest.links import Pages
from careplane.search.criterion import Setting
from careplane.search.registry import Registry
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore


def subscriptions(
    settings: Settings,
    key: Keys,
    state: StateStore,
    base_of: Callable[[Tenant], str],
    registry: Registry,
    extract: Extract,
    clock: Clock,
    views: ViewOf,
) -> Rooms:
    """The rooms of all tenants; `base_of` is the address of each in notifications."""
    inside = frozenset(part.strip() for part in settings.subscription_hosts.split(",") if part)

    def room(tenant: Tenant) -> Subscriptions:
        base = base_of(tenant)
        return Subscriptions(
            House(
                state,
                tenant,
                Pages(key.derive(_purpose(tenant))),
                Setting(registry, base),
                extract,
                clock,
                base,
                Reach(inside, settings.subscription_http),
                mailbox_of(settings),
                settings.subscription_attempts,
                views,
            )
        )

    return Rooms(room, FIRST)


def _purpose(tenant: Tenant) -> str:
    """What the first tenant's seals have always been made for, and what others' are."""
    return "subscriptions" if tenant == FIRST else f"subscriptions/{tenant}"
