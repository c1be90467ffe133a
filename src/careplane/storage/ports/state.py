"""The port to what services must remember beside the records: jobs under way, deliveries, leases.

Small values under (tenant, space, key), each durable before the call returns. `space` names the
service, such as `bulk-job`; values are bytes that only that service reads. Every value has a
`revision`, which is never used twice for a key, so a change may be made on condition that nobody
else made one in between. Raises `Busy` or `Fault`, and nothing else of its own.
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

    async def close(self) -> None:
        """Let go of everything."""
