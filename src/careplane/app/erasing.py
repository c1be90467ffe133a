"""Erasing a patient for good, wired."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.interop.bulk.asks import EXPORT
from careplane.records.erase import Erasing
from careplane.records.jobs.runner import Runner
from careplane.rest import later
from careplane.storage.ports.keys import KeyKeeper
from careplane.storage.ports.records import Tenant

_KINDS = frozenset({later.KIND.name, EXPORT})
"""Jobs whose output may hold a part of a record."""


@dataclass(slots=True)
class Outputs:
    """What jobs have put out; `of` says whose jobs, once there is a runner."""

    runner: Runner | None = None

    def of(self, runner: Runner) -> None:
        self.runner = runner

    async def discard(self, tenant: Tenant) -> int:
        """Remove all of a tenant, and end the jobs that are under way: each may hold something of
        any patient, and can be asked for again."""
        return 0 if self.runner is None else await self.runner.discard(tenant, _KINDS)


def erasing(
    keeper: KeyKeeper,
    outputs: Outputs,
    *,
    ledger: bool,
) -> Erasing:
    """`$erase`, as far as there is a ledger to tell."""
    return Erasing(keeper, outputs.discard, ledger)
