"""Source and Target (storage.ports.moving) on PostgreSQL."""

from careplane.storage.engines.postgres.moving.source import PostgresSource
from careplane.storage.engines.postgres.moving.target import PostgresTarget

__all__ = ["PostgresSource", "PostgresTarget"]
