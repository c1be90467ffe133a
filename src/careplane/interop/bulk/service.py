"""Bulk Data as one value: its operations, its addresses, and the service that does the jobs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from careplane.access.caller import Caller
from careplane.interop.bulk.exporting import Exporting
from careplane.interop.bulk.importing import Importing
from careplane.interop.bulk.intake import Imports
from careplane.interop.bulk.jobs import ExportAsk, Job, Jobs
from careplane.interop.bulk.kickoff import Exports
from careplane.interop.bulk.pulling.guard import Guard
from careplane.interop.bulk.pulling.stores import Stores
from careplane.interop.bulk.pulling.web import Web
from careplane.interop.bulk.runner import Limits, Runner
from careplane.interop.bulk.serving import PREFIX, Files
from careplane.interop.bulk.starting import Starting
from careplane.interop.bulk.vault import Vault
from careplane.kernel.clock import Clock
from careplane.kernel.ids import NewId
from careplane.records.door import Door
from careplane.rest.addressing import Addressing
from careplane.rest.operation import Operation
from careplane.storage.ports.state import StateStore


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator chose. `store` is a URL, `key` encrypts what is put there; imports may read
    from `import_hosts` on private networks, and below `import_stores`."""

    store: str
    key: bytes
    part_bytes: int
    limits: Limits
    import_hosts: frozenset[str] = frozenset()
    import_stores: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bulk:
    """What `app.build` takes: `files` answers below `prefix`, `service` runs in the background."""

    operations: tuple[Operation, ...]
    files: Files
    service: Callable[[], Awaitable[None]]
    prefix: str = PREFIX


def bulk(
    door: Door,
    state: StateStore,
    clock: Clock,
    new_id: NewId,
    resolve: Callable[[str], Caller],
    addressing: Addressing,
    settings: Settings,
) -> Bulk:
    """All of it, wired."""
    jobs = Jobs(state)
    vault = Vault(settings.store, settings.key)
    exporting = Exporting(door, jobs, vault, settings.part_bytes)

    guard, stores = Guard(settings.import_hosts), Stores(settings.import_stores)
    importing = Importing(door, jobs, vault, Web(guard), stores)

    async def work(job: Job) -> None:
        await (exporting if isinstance(job.ask, ExportAsk) else importing).run(job)

    runner = Runner(jobs, vault, work, clock, settings.limits)
    starting = Starting(jobs, clock, new_id, runner.wake)
    files = Files(door, jobs, vault, resolve, addressing, clock, runner.wake)
    imports = Imports(starting, guard, stores, clock)
    operations = (*Exports(starting).operations, *imports.operations)
    return Bulk(operations, files, runner.run)
