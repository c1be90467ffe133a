"""The engines that the contract suite runs over: how to open each one in an empty folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from careplane.kernel.clock import Clock
from careplane.storage.engines import postgres, sqlite
from careplane.storage.engines.memory import MemoryStore
from careplane.storage.ports.audit import AuditStore
from careplane.storage.ports.records import RecordStore
from careplane.storage.ports.vitals import Living
from tests import postgres as server


class Store(RecordStore, AuditStore, Living, Protocol):
    """What an engine is, all in all."""


Open = Callable[[Path, Clock], Store]


def _memory(folder: Path, clock: Clock) -> Store:
    return MemoryStore(clock)


def _sqlite(folder: Path, clock: Clock) -> Store:
    return sqlite.open(folder, bytes(range(32)), clock)


def _sqlite_serving(folder: Path, clock: Clock) -> Store:
    limits = sqlite.Limits(writer="process")
    return sqlite.open(folder, bytes(range(32)), clock, limits)


def _postgres(folder: Path, clock: Clock) -> Store:
    return postgres.open(server.url(), bytes(range(32)), clock, postgres.Limits(quick=2, careful=2))


ENGINES: dict[str, Open] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "sqlite, a writer of its own": _sqlite_serving,
    "postgres": _postgres,
}
