"""The port to whoever carries a message to a patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Undelivered(Exception):
    """It was not taken; the text says why, without an address."""


@dataclass(frozen=True, slots=True)
class Message:
    """To one address. `calendar` is an iCalendar file with the METHOD that it has."""

    to: str
    subject: str
    text: str
    calendar: bytes = b""
    method: str = ""


class Channel(Protocol):
    """One way, such as mail."""

    async def send(self, message: Message) -> None:
        """Returns when it was taken. Raises Undelivered."""
