"""The embedded engine: SQLite, encrypted by SQLCipher, in one folder of this machine.

What it offers is read when it is first asked for: the process that writes (`writing.child`) passes
through here and asks for nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from careplane.kernel.clock import Clock
    from careplane.storage.engines.sqlite.backup import SqliteVault
    from careplane.storage.engines.sqlite.ledger import SqliteLedger
    from careplane.storage.engines.sqlite.moving import SqliteSource, SqliteTarget
    from careplane.storage.engines.sqlite.packages import SqlitePackages
    from careplane.storage.engines.sqlite.state import SqliteState
    from careplane.storage.engines.sqlite.store import Limits, SqliteStore
    from careplane.storage.engines.sqlite.terminology import SqliteTerminology

__all__ = [
    "Limits",
    "SqliteLedger",
    "SqlitePackages",
    "SqliteSource",
    "SqliteState",
    "SqliteStore",
    "SqliteTarget",
    "SqliteTerminology",
    "SqliteVault",
    "open",
    "open_ledger",
    "open_packages",
    "open_state",
    "open_terminology",
]
_STANDS_IN = {
    "Limits": "store",
    "SqliteLedger": "ledger",
    "SqlitePackages": "packages",
    "SqliteSource": "moving",
    "SqliteState": "state",
    "SqliteStore": "store",
    "SqliteTarget": "moving",
    "SqliteTerminology": "terminology",
    "SqliteVault": "backup",
}


def __getattr__(name: str) -> Any:
    if name not in _STANDS_IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_STANDS_IN[name]}"), name)


def open(folder: Path, key: bytes, clock: Clock, limits: Limits | None = None) -> SqliteStore:
    """The store in a folder that exists; its files are made on first use. `key` is 32 random bytes,
    always the same ones for this folder. Raises Fault where the folder or key is not right."""
    from careplane.storage.engines.sqlite.moving.marker import require_whole
    from careplane.storage.engines.sqlite.store import Limits, SqliteStore

    require_whole(folder)
    return SqliteStore(folder, key, clock, limits or Limits())


def open_state(folder: Path, key: bytes) -> SqliteState:
    """What services remember, in the same folder; the same key, the same errors."""
    from careplane.storage.engines.sqlite.moving.marker import require_whole
    from careplane.storage.engines.sqlite.state import SqliteState

    require_whole(folder)
    return SqliteState(folder, key)


def open_ledger(folder: Path, key: bytes, *, half: bool = False) -> SqliteLedger:
    """The ledger's log, in the same folder; the same key, the same errors. `half`: during a
    move."""
    from careplane.storage.engines.sqlite.ledger import SqliteLedger
    from careplane.storage.engines.sqlite.moving.marker import require_whole

    if not half:
        require_whole(folder)
    return SqliteLedger(folder, key)


def open_packages(folder: Path, key: bytes, *, half: bool = False) -> SqlitePackages:
    """The packages of definitions, in the same folder; the same key, the same errors. `half`:
    during a move."""
    from careplane.storage.engines.sqlite.moving.marker import require_whole
    from careplane.storage.engines.sqlite.packages import SqlitePackages

    if not half:
        require_whole(folder)
    return SqlitePackages(folder, key)


def open_terminology(folder: Path, key: bytes, *, half: bool = False) -> SqliteTerminology:
    """Large code systems, in the same folder; the same key, the same errors. `half`: during a
    move."""
    from careplane.storage.engines.sqlite.moving.marker import require_whole
    from careplane.storage.engines.sqlite.terminology import SqliteTerminology

    if not half:
        require_whole(folder)
    return SqliteTerminology(folder, key)
