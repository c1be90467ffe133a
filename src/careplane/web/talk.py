"""What pages about messages, tasks and consults work with."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.telehealth.consults.consults import Consults
from careplane.telehealth.messages.messages import Messages
from careplane.telehealth.messages.reading import Reading
from careplane.telehealth.tasks.tasks import Tasks


@dataclass(frozen=True, slots=True)
class Talk:
    """Threads are changed by `messages` and read by `reading`."""

    messages: Messages
    reading: Reading
    tasks: Tasks
    consults: Consults
