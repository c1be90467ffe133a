"""Bulk Data with the settings of an installation."""

from __future__ import annotations

from collections.abc import Callable

from careplane.access.caller import Caller
from careplane.app.keys import Keys
from careplane.app.settings import Settings
from careplane.interop.bulk import service
from careplane.interop.bulk.runner import Limits
from careplane.kernel.clock import system_clock
from careplane.kernel.ids import new_id
from careplane.records.door import Door
from careplane.rest.addressing import Addressing
from careplane.storage.ports.state import StateStore

_HOUR = 3_600_000_000


def bulk_of(
    settings: Settings,
    keys: Keys,
    door: Door,
    state: StateStore,
    resolve: Callable[[str], Caller],
    addressing: Addressing,
) -> service.Bulk:
    """Everything that Bulk Data offers."""
    chosen = service.Settings(
        store=settings.bulk_store or (settings.data / "bulk").resolve().as_uri(),
        key=keys.derive("bulk"),
        part_bytes=settings.bulk_part_bytes,
        limits=Limits(
            settings.bulk_at_once,
            settings.bulk_per_tenant,
            int(settings.bulk_keep_hours * _HOUR),
        ),
        import_hosts=frozenset(_listed(settings.bulk_import_hosts)),
        import_stores=_listed(settings.bulk_import_stores),
    )
    return service.bulk(door, state, system_clock, new_id, resolve, addressing, chosen)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (one.strip() for one in text.split(","))))
