"""Bulk Data as one value: its operations, its addresses, and the service that does the jobs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from careplane.access.caller import Caller
from careplane.interop.bulk.exporting import Exporting
from careplane.interop.bulk.jobs import Job, Jobs
from careplane.interop.bulk.kickoff import Exports
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
    """What an operator chose. `store` is a URL, `key` encrypts what is put there."""

    store: str
    key: bytes
    part_bytes: int
    limits: Limits


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

    async def work(job: Job) -> None:
        await exporting.run(job)

    runner = Runner(jobs, vault, work, clock, settings.limits)
    starting = Starting(jobs, clock, new_id, runner.wake)
    files = Files(door, jobs, vault, resolve, addressing, clock, runner.wake)
    return Bulk(Exports(starting).operations, files, runner.run)
