"""Scheduling, wired from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from careplane.access.tenants.institution import Institution
from careplane.app.dispatch import App
from careplane.app.mailing import mailbox_of
from careplane.app.peopling import stands_of
from careplane.app.settings import Settings
from careplane.app.tenancy.each import Each
from careplane.app.tenancy.wiring import Tenancy
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Incorrect
from careplane.kernel.ids import new_id, secret_id
from careplane.records.door import Door
from careplane.rest.addressing import Addressing
from careplane.rest.operation import Operation
from careplane.storage.ports.state import StateStore
from careplane.telehealth.scheduling.calendars import feeds
from careplane.telehealth.scheduling.calendars.feeds import Feeds
from careplane.telehealth.scheduling.desk import Desk
from careplane.telehealth.scheduling.notices.channel import Channel
from careplane.telehealth.scheduling.notices.channels.mail import Mail
from careplane.telehealth.scheduling.notices.channels.sms import Sms, checked
from careplane.telehealth.scheduling.notices.letters import Sender
from careplane.telehealth.scheduling.operations import Operations
from careplane.telehealth.scheduling.proposals import Proposals
from careplane.telehealth.scheduling.service import House, Service

_MOST_HOURS = 24 * 31


@dataclass(frozen=True, slots=True)
class Scheduling:
    """The desk, the operations over it, feeds of calendars and where they are read, and the service
    that runs beside."""

    desk: Desk
    operations: tuple[Operation, ...]
    feeds: App
    service: Each
    calendars: Feeds

    @property
    def prefix(self) -> str:
        """Below which address feeds stand."""
        return feeds.PREFIX


def scheduling(
    settings: Settings,
    door: Door,
    state: StateStore,
    clock: Clock,
    tenants: Tenancy,
    addressing: Addressing,
) -> Scheduling:
    """Raises Incorrect for settings that cannot be used."""
    proposals = Proposals(state, clock, secret_id)
    desk = Desk(door, proposals, clock, new_id, _names(settings.overbook_roles))
    calendars = Feeds(
        door,
        state,
        clock,
        secret_id,
        stands_of(settings, state, door, clock),
    )
    channels, leads = channels_of(settings), leads_of(settings)

    async def serve(one: Institution) -> None:
        house = House(
            door,
            state,
            one.tenant,
            clock,
            new_id,
            proposals,
            lambda: Sender(tenants.told_of(one.tenant), settings.smtp_from, one.title),
            channels,
            leads,
        )
        await Service(house)()

    return Scheduling(
        desk,
        Operations(desk, calendars).offered(),
        feeds.application(calendars, addressing),
        Each(tenants.known.all, serve),
        calendars,
    )


def channels_of(settings: Settings) -> Mapping[str, Channel]:
    """The ways to reach patients that are set up. Raises Incorrect."""
    found: dict[str, Channel] = {}
    mailbox = mailbox_of(settings)
    if mailbox is not None:
        found["email"] = Mail(mailbox)
    if settings.sms_url:
        found["sms"] = Sms(checked(settings.sms_url), settings.sms_secret)
    return found


def leads_of(settings: Settings) -> tuple[int, ...]:
    """Minutes before a visit at which it is reminded of. Raises Incorrect."""
    hours = [part.strip() for part in settings.reminder_hours.split(",") if part.strip()]
    if any(not (h.isascii() and h.isdigit() and 0 < int(h[:6]) <= _MOST_HOURS) for h in hours):
        raise Incorrect("CAREPLANE_REMINDER_HOURS is written as 48,2: hours before the visit.")
    return tuple(int(hour) * 60 for hour in hours)


def _names(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())
