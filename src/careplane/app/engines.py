"""The engines by name: the only place that knows a concrete one. One line each."""

from __future__ import annotations

from careplane.app.keys import Keys
from careplane.app.settings import Settings
from careplane.kernel.clock import Clock
from careplane.storage.engines import sqlite


def embedded(settings: Settings, keys: Keys, clock: Clock) -> sqlite.SqliteStore:
    """The embedded engine on the data folder."""
    limits = sqlite.Limits(audit_sync="FULL" if settings.audit_sync == "disk" else "NORMAL")
    return sqlite.open(settings.data, keys.derive("store"), clock, limits)
