"""Messages and tasks, wired."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.kernel.clock import Clock
from careplane.kernel.ids import new_id
from careplane.records.door import Door
from careplane.rest.operation import Operation
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


def talking(door: Door, clock: Clock) -> Talking:
    """Over one door."""
    pools = Pools(door, clock)
    messages = Messages(door, pools, clock, new_id, Limits())
    reading = Reading(door)
    talk = Talk(messages, reading, Tasks(door, pools, clock, new_id))
    return Talking(talk, Operations(messages, reading).offered())
