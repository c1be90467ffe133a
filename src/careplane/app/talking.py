"""Messages, tasks and consults, wired from the settings."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.access.tenants.institution import Institution
from careplane.app.scheduling import channels_of
from careplane.app.settings import Settings
from careplane.app.tenancy.each import Each
from careplane.app.tenancy.wiring import Tenancy
from careplane.kernel.clock import Clock
from careplane.kernel.ids import new_id
from careplane.records.door import Door
from careplane.rest.operation import Operation
from careplane.storage.ports.state import StateStore
from careplane.telehealth.consults.consult import Promise
from careplane.telehealth.consults.consults import Consults
from careplane.telehealth.consults.operations import Operations as ConsultOperations
from careplane.telehealth.messages.messages import Limits, Messages
from careplane.telehealth.messages.operations import Operations
from careplane.telehealth.messages.pools import Pools
from careplane.telehealth.messages.reading import Reading
from careplane.telehealth.messages.service import House, Service
from careplane.telehealth.scheduling.notices.letters import Sender
from careplane.telehealth.tasks.tasks import Tasks
from careplane.web.talk import Talk


@dataclass(frozen=True, slots=True)
class Talking:
    """What pages need, the operations of the API, and the service that runs beside."""

    talk: Talk
    operations: tuple[Operation, ...]
    service: Each


def talking(
    settings: Settings, door: Door, state: StateStore, clock: Clock, tenants: Tenancy
) -> Talking:
    """Over one door. Raises Incorrect for channels that cannot be used."""
    pools = Pools(door, clock)
    messages = Messages(door, pools, clock, new_id, Limits())
    reading = Reading(door)
    promise = Promise(settings.consult_hours, settings.consult_urgent_hours)
    consults = Consults(messages, promise)
    talk = Talk(messages, reading, Tasks(door, pools, clock, new_id), consults)
    offered = (*Operations(messages, reading).offered(), *ConsultOperations(consults).offered())
    channels = channels_of(settings)

    async def serve(one: Institution) -> None:
        house = House(
            door,
            state,
            one.tenant,
            clock,
            new_id,
            lambda: Sender(tenants.told_of(one.tenant), settings.smtp_from, one.title),
            channels,
            settings.message_hours,
        )
        await Service(house)()

    return Talking(talk, offered, Each(tenants.known.all, serve))
