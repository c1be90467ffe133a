"""Messages, tasks and consults, wired from the settings."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.app.settings import Settings
from careplane.kernel.clock import Clock
from careplane.kernel.ids import new_id
from careplane.records.door import Door
from careplane.rest.operation import Operation
from careplane.telehealth.consults.consult import Promise
from careplane.telehealth.consults.consults import Consults
from careplane.telehealth.consults.operations import Operations as ConsultOperations
from careplane.telehealth.messages.messages import Limits, Messages
from careplane.telehealth.messages.operations import Operations
from careplane.telehealth.messages.pools import Pools
from careplane.telehealth.messages.reading import Reading
from careplane.telehealth.tasks.tasks import Tasks
from careplane.web.talk import Talk


@dataclass(frozen=True, slots=True)
class Talking:
    """What pages need, and the operations of the API."""

    talk: Talk
    operations: tuple[Operation, ...]


def talking(settings: Settings, door: Door, clock: Clock) -> Talking:
    """Over one door."""
    pools = Pools(door, clock)
    messages = Messages(door, pools, clock, new_id, Limits())
    reading = Reading(door)
    promise = Promise(settings.consult_hours, settings.consult_urgent_hours)
    consults = Consults(messages, promise)
    talk = Talk(messages, reading, Tasks(door, pools, clock, new_id), consults)
    offered = (*Operations(messages, reading).offered(), *ConsultOperations(consults).offered())
    return Talking(talk, offered)
