"""Bulk Data with the settings of an installation."""

from __future__ import annotations

from collections.abc import Callable

from careplane.access.caller import Caller
from careplane.app.keys import Keys
from careplane.app.settings import Settings
from careplane.interop.bulk import service
from careplane.kernel.clock import system_clock
from careplane.records.door import Door
from careplane.records.jobs.book import Book
from careplane.rest.addressing import Addressing

_HOUR = 3_600_000_000


def bulk_of(
    settings: Settings,
    keys: Keys,
    door: Door,
    book: Book,
    resolve: Callable[[str], Caller],
    addressing: Addressing,
) -> service.Bulk:
    """Everything that Bulk Data offers."""
    chosen = service.Settings(
        store=settings.bulk_store or (settings.data / "bulk").resolve().as_uri(),
        key=keys.derive("bulk"),
        part_bytes=settings.bulk_part_bytes,
        at_once=settings.bulk_at_once,
        per_tenant=settings.bulk_per_tenant,
        kept=int(settings.bulk_keep_hours * _HOUR),
        import_hosts=frozenset(_listed(settings.bulk_import_hosts)),
        import_stores=_listed(settings.bulk_import_stores),
    )
    return service.bulk(door, book, system_clock, resolve, addressing, chosen)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (one.strip() for one in text.split(","))))
