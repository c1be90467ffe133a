"""Bulk Data as one value: its operations, its addresses, and its kinds of jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from careplane.access.caller import Caller
from careplane.interop.bulk.asks import EXPORT, IMPORT
from careplane.interop.bulk.exporting import Exporting
from careplane.interop.bulk.importing import Importing
from careplane.interop.bulk.intake import Imports
from careplane.interop.bulk.kickoff import Exports
from careplane.interop.bulk.pulling.guard import Guard
from careplane.interop.bulk.pulling.stores import Stores
from careplane.interop.bulk.pulling.web import Web
from careplane.interop.bulk.serving import PREFIX, Files
from careplane.interop.bulk.starting import Starting
from careplane.interop.bulk.vault import Vault
from careplane.kernel.clock import Clock
from careplane.kernel.errors import TooMany
from careplane.records.door import Door
from careplane.records.jobs.book import Book
from careplane.records.jobs.kind import Kind
from careplane.records.jobs.lane import Lane
from careplane.rest.addressing import Addressing
from careplane.rest.operation import Operation

MOST_WAITING = 100


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator chose. `store` is a URL, `key` encrypts what is put there, and it is `kept`
    for so many microseconds; so many jobs are under way together, and of one tenant. Imports may
    read from `import_hosts` on private networks, and below `import_stores`."""

    store: str
    key: bytes
    part_bytes: int
    at_once: int = 4
    per_tenant: int = 2
    kept: int = 86_400_000_000
    import_hosts: frozenset[str] = frozenset()
    import_stores: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bulk:
    """What `app.build` takes: `files` answers below `prefix`."""

    operations: tuple[Operation, ...]
    files: Files
    kinds: tuple[Kind, ...]
    prefix: str = PREFIX


def bulk(
    door: Door,
    book: Book,
    clock: Clock,
    resolve: Callable[[str], Caller],
    addressing: Addressing,
    settings: Settings,
) -> Bulk:
    """All of it, wired."""
    vault = Vault(settings.store, settings.key)
    guard, stores = Guard(settings.import_hosts), Stores(settings.import_stores)
    exporting = Exporting(door, vault, settings.part_bytes)
    importing = Importing(door, vault, Web(guard), stores)
    lane = Lane("bulk", settings.at_once, settings.per_tenant, MOST_WAITING, TooMany)
    exports = Kind(EXPORT, lane, settings.kept, exporting.run, vault.remove)
    imports = Kind(IMPORT, lane, settings.kept, importing.run, vault.remove)
    operations = (
        *Exports(Starting(book, exports)).operations,
        *Imports(Starting(book, imports), guard, stores, clock).operations,
    )
    files = Files(door, book, vault, resolve, addressing, clock)
    return Bulk(operations, files, (exports, imports))
