"""The shared engine: PostgreSQL, for any number of processes and nodes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from careplane.kernel.clock import Clock
from careplane.storage.engines.postgres.backup import PostgresVault
from careplane.storage.engines.postgres.ledger import PostgresLedger
from careplane.storage.engines.postgres.migrate import migrate
from careplane.storage.engines.postgres.moving import PostgresSource, PostgresTarget
from careplane.storage.engines.postgres.moving.reading import complaints, connected
from careplane.storage.engines.postgres.packages import PostgresPackages
from careplane.storage.engines.postgres.sessions import Connection
from careplane.storage.engines.postgres.state import PostgresState
from careplane.storage.engines.postgres.store import (
    Limits,
    PostgresStore,
    bodies_root,
    mark_of,
    names_of,
)
from careplane.storage.engines.postgres.terminology import PostgresTerminology
from careplane.storage.engines.postgres.wall import in_the_way, raise_wall

T = TypeVar("T")
__all__ = [
    "Limits",
    "PostgresLedger",
    "PostgresPackages",
    "PostgresSource",
    "PostgresState",
    "PostgresStore",
    "PostgresTarget",
    "PostgresTerminology",
    "PostgresVault",
    "open",
    "open_ledger",
    "open_packages",
    "open_source",
    "open_state",
    "open_target",
    "open_terminology",
    "raised_wall",
    "standing_wall",
]


def open(url: str, key: bytes, clock: Clock, limits: Limits | None = None) -> PostgresStore:
    """The store in a database that exists; its tables are made on first use, in the schema that
    the address names as `search_path`. `key` is 32 random bytes, always the same ones for this
    database, on every node. Nothing is connected before it is asked for."""
    return PostgresStore(url, key, clock, limits or Limits())


def open_state(url: str) -> PostgresState:
    """What services remember, in the same database; the same errors."""
    return PostgresState(url)


def open_ledger(url: str, *, half: bool = False) -> PostgresLedger:
    """The ledger's log, in the same database; the same errors. `half`: during a move."""
    return PostgresLedger(url, half=half)


def open_packages(url: str, *, half: bool = False) -> PostgresPackages:
    """The packages of definitions, in the same database; the same errors. `half`: during a move."""
    return PostgresPackages(url, half=half)


def open_terminology(url: str, *, half: bool = False) -> PostgresTerminology:
    """Large code systems, in the same database; the same errors. `half`: during a move."""
    return PostgresTerminology(url, half=half)


async def open_source(url: str, key: bytes, folder: Path | None = None) -> PostgresSource:
    """The database to be read as a whole, see `storage.ports.moving`; `folder` has the list of
    erasures."""
    return await PostgresSource.open(url, mark_of(key), bodies_root(key), folder)


async def open_target(url: str, key: bytes) -> PostgresTarget:
    """The database to be filled; nothing is made in it before `begin`."""
    return await PostgresTarget.open(url, mark_of(key), names_of(key), bodies_root(key))


async def raised_wall(url: str, admin: str = "") -> str:
    """Raise the wall between tenants as far as the user of this address may, and that of `admin`,
    another address of the same database and schema. What is still in its way, '' for nothing."""
    await _on(url, migrate)
    for address in filter(None, (admin, url)):
        await _on(address, raise_wall)
    return await standing_wall(url)


async def standing_wall(url: str) -> str:
    """What is in the way of the wall between tenants, '' for nothing."""
    return await _on(url, in_the_way)


async def _on(url: str, work: Callable[[Connection], Awaitable[T]]) -> T:
    connection = await connected(url)
    with complaints(connection):
        try:
            return await work(connection)
        finally:
            await connection.close()
