"""Subscriptions, wired from the settings."""

from __future__ import annotations

from careplane.access.decide import ViewOf
from careplane.app.keys import Keys
from careplane.app.settings import Settings
from careplane.interop.subscriptions.channels.email import Mailbox
from careplane.interop.subscriptions.reach import Reach
from careplane.interop.subscriptions.room import House, Subscriptions
from careplane.kernel.clock import Clock
from careplane.records.bodies import Extract
from careplane.rest.addressing import ROOT
from careplane.rest.links import Pages
from careplane.search.criterion import Setting
from careplane.search.registry import Registry
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore


def subscriptions(
    settings: Settings,
    key: Keys,
    state: StateStore,
    tenant: Tenant,
    registry: Registry,
    extract: Extract,
    clock: Clock,
    views: ViewOf,
) -> Subscriptions:
    """The room. Without a base address, notifications name the one that is listened on."""
    base = (settings.base_url.rstrip("/") or f"http://{settings.host}:{settings.port}") + ROOT
    inside = frozenset(part.strip() for part in settings.subscription_hosts.split(",") if part)
    return Subscriptions(
        House(
            state,
            tenant,
            Pages(key.derive("subscriptions")),
            Setting(registry, base),
            extract,
            clock,
            base,
            Reach(inside, settings.subscription_http),
            _mailbox(settings),
            settings.subscription_attempts,
            views,
        )
    )


def _mailbox(settings: Settings) -> Mailbox | None:
    if not settings.smtp_host:
        return None
    return Mailbox(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_from,
        settings.smtp_security,
        settings.smtp_user,
        settings.smtp_password,
    )
