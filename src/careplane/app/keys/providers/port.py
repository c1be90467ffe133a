"""The port to whoever keeps the root of all keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from careplane.kernel.errors import Fault


class KeyProvider(Protocol):
    """Raises Incorrect for an address that cannot be understood, and `Unavailable` where it does
    not answer, refuses, or has another key. No message holds a secret."""

    def wrap(self, root: bytes) -> bytes:
        """The root as only this provider can give it back, under its newest key."""

    def unwrap(self, wrapped: bytes) -> bytes:
        """The root."""


Make: TypeAlias = Callable[[str], KeyProvider]
"""From an address without its first word."""


class Unavailable(Fault):
    """The provider does not give the key: nothing can be opened before it does."""


def unavailable(what: str, why: str) -> Unavailable:
    """What to raise; `what` is the provider in words."""
    return Unavailable(f"The key cannot be had from {what}: {why}")
