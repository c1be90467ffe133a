"""The port to what an engine says of itself, for metrics: numbers only."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class Vitals(Struct, frozen=True):
    """How an engine stands in this process. `waiting_audit` is of the whole installation."""

    waiting_writes: int = 0
    """Resources that were handed in, and are not durable yet."""
    waiting_audit: int = 0
    """Audit records that are durable, and not in their last place yet."""
    stopped_searches: int = 0
    """Searches that were stopped since the start, since they took too long."""
    full: bool = False
    """Whether nothing can be stored, for want of room on the disk."""


class Living(Protocol):
    """An engine that can be asked."""

    async def vitals(self) -> Vitals:
        """How it stands now. Raises `Busy` or `Fault`, and nothing else of its own."""

    async def room(self) -> None:
        """Raises `Full` where nothing can be stored now."""
