"""Erasing a patient for good, wired."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.interop.bulk.asks import EXPORT
from careplane.records.erase import Erasing
from careplane.records.jobs.runner import Runner
from careplane.rest import later
from careplane.sharing.links.shares import Shares
from careplane.storage.ports.keys import KeyKeeper
from careplane.storage.ports.records import Tenant

_KINDS = frozenset({later.KIND.name, EXPORT})
"""Jobs whose output may hold a part of a record."""


@dataclass(slots=True)
class Outputs:
    """What jobs have put out, and links that open a record; `of` says whose jobs and which links,
    once there are."""

    runner: Runner | None = None
    shares: Shares | None = None

    def of(self, runner: Runner, shares: Shares | None = None) -> None:
        self.runner, self.shares = runner, shares

    async def discard(self, tenant: Tenant, patient: str) -> int:
        """Remove all outputs of a tenant, and end the jobs that are under way: each may hold
        something of any patient, and can be asked for again. The patient's links go with them."""
        links = 0 if self.shares is None else await self.shares.forget(tenant, patient)
        jobs = 0 if self.runner is None else await self.runner.discard(tenant, _KINDS)
        return links + jobs


def erasing(
    keeper: KeyKeeper,
    outputs: Outputs,
    *,
    ledger: bool,
) -> Erasing:
    """`$erase`, as far as there is a ledger to tell."""
    return Erasing(keeper, outputs.discard, ledger)
