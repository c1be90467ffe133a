"""The engines by name: the only place that knows a concrete one. One line each."""

from __future__ import annotations

from careplane.app.keys import Keys
from careplane.app.settings import Settings
from careplane.kernel.clock import Clock
from careplane.storage.engines import sqlite
from careplane.storage.ports.backup import Vault
from careplane.storage.ports.state import StateStore


def embedded(
    settings: Settings, keys: Keys, clock: Clock, *, for_long: bool = False
) -> sqlite.SqliteStore:
    """The embedded engine on the data folder. `for_long`: for a server or an import, which are
    worth a second process; not for one command."""
    limits = sqlite.Limits(
        audit_sync="FULL" if settings.audit_sync == "disk" else "NORMAL",
        writer="process" if for_long else "thread",
        shared=for_long and settings.workers > 1,
        reserve_bytes=settings.reserve_bytes if for_long else 0,
    )
    return sqlite.open(settings.data, keys.derive("store"), clock, limits)


def vault(keys: Keys) -> Vault:
    """Copies of a data folder. What lies on a database server is copied by its own tools
    (docs/operations.md)."""
    return sqlite.SqliteVault(keys.derive("store"))


def state(settings: Settings, keys: Keys) -> StateStore:
    """What services remember, beside the records."""
    return sqlite.open_state(settings.data, keys.derive("store"))
