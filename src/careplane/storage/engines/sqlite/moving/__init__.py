"""Source and Target (storage.ports.moving) on SQLite."""

from careplane.storage.engines.sqlite.moving.source import SqliteSource
from careplane.storage.engines.sqlite.moving.target import SqliteTarget

__all__ = ["SqliteSource", "SqliteTarget"]
