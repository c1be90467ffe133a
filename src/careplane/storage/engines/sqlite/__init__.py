"""The embedded engine: SQLite, encrypted by SQLCipher, in one folder of this machine."""

from __future__ import annotations

from pathlib import Path

from careplane.kernel.clock import Clock
from careplane.storage.engines.sqlite.backup import SqliteVault
from careplane.storage.engines.sqlite.ledger import SqliteLedger
from careplane.storage.engines.sqlite.moving import SqliteSource, SqliteTarget
from careplane.storage.engines.sqlite.moving.marker import require_whole
from careplane.storage.engines.sqlite.state import SqliteState
from careplane.storage.engines.sqlite.store import Limits, SqliteStore

__all__ = [
    "Limits",
    "SqliteLedger",
    "SqliteSource",
    "SqliteState",
    "SqliteStore",
    "SqliteTarget",
    "SqliteVault",
    "open",
    "open_ledger",
    "open_state",
]


def open(folder: Path, key: bytes, clock: Clock, limits: Limits | None = None) -> SqliteStore:
    """The store in a folder that exists; its files are made on first use. `key` is 32 random bytes,
    always the same ones for this folder. Raises Fault where the folder or key is not right."""
    require_whole(folder)
    return SqliteStore(folder, key, clock, limits or Limits())


def open_state(folder: Path, key: bytes) -> SqliteState:
    """What services remember, in the same folder; the same key, the same errors."""
    require_whole(folder)
    return SqliteState(folder, key)


def open_ledger(folder: Path, key: bytes, *, half: bool = False) -> SqliteLedger:
    """The ledger's log, in the same folder; the same key, the same errors. `half`: during a
    move."""
    if not half:
        require_whole(folder)
    return SqliteLedger(folder, key)
