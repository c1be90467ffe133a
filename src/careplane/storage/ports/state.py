"""The port to what services must remember beside the records: jobs, deliveries, leases.

Small values under (tenant, space, key), each durable before the call returns. `space` names the
service, such as `job`; values are bytes that only that service reads. Every value has a
`revision`, which is never used twice and only rises, so a change may be made on condition that
nobody else made one in between. Raises `Busy` or `Fault`, and nothing else of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from careplane.storage.ports.records import Tenant


class Entry(Struct, frozen=True):
    """A value as it stands."""

    key: str
    value: bytes
    revision: int


class Lock(Protocol):
    """A lock that ends with the process that holds it, however that ends."""

    async def hold(self) -> bool:
        """Take it if it is free; whether this one holds it now. It is lost only with the way to the
        store: who had it is told so by its next call, some seconds before anybody else is told
        that he holds it."""

    async def release(self) -> None:
        """Leave it to others."""


class StateStore(Protocol):
    """What services remember. Every process on the same installation sees the same."""

    async def get(self, tenant: Tenant, space: str, key: str) -> Entry | None:
        """The value, or None."""

    async def scan(
        self, tenant: Tenant | None, space: str, after: str = "", count: int = 1000
    ) -> Sequence[tuple[Tenant, Entry]]:
        """Values in order of tenant and key; of every tenant where `tenant` is None. `after` is the
        last key that was seen, and goes with one tenant."""

    async def put(
        self, tenant: Tenant, space: str, key: str, value: bytes, expect: int | None = None
    ) -> int | None:
        """Store; the new revision. With `expect`, only where the value is at that revision (0:
        where there is none), else nothing is done and the answer is None."""

    async def drop(self, tenant: Tenant, space: str, key: str, expect: int | None = None) -> bool:
        """Remove; whether there was something, and at the revision that was expected."""

    def lock(self, name: str) -> Lock:
        """A lock of the installation; each call is somebody of his own."""

    async def close(self) -> None:
        """Let go of everything."""
