"""Look for anomalies in a period: gather, learn who is who, ask the rules."""

from __future__ import annotations

from collections.abc import Iterable

from careplane.ledger.trail import Trail
from careplane.records.audits.anomalies import gathering
from careplane.records.audits.anomalies.catalogue import findings
from careplane.records.audits.anomalies.facts import Facts
from careplane.records.audits.anomalies.material import DAY, Finding, Limits, Material
from careplane.records.door import Door
from careplane.storage.ports.records import Tenant

_BEFORE = 30 * DAY
"""How far back the usual amount of work is looked at."""


class Looking:
    """Over one installation's trail."""

    def __init__(self, trail: Trail, door: Door, tenant: Tenant, limits: Limits) -> None:
        self._trail = trail
        self._door = door
        self._tenant = tenant
        self._limits = limits

    async def look(self, since: int, until: int, rules: Iterable[str] = ()) -> list[Finding]:
        """What should be looked at of a period (microseconds since 1970, `until` exclusive)."""
        return findings(await self.material(since, until), rules)

    async def material(self, since: int, until: int) -> Material:
        """What the rules look at."""
        accesses = await gathering.accesses(self._trail, self._tenant, since, until)
        before = await gathering.history(self._trail, self._tenant, since - _BEFORE, since)
        patients = sorted({one.patient for one in accesses if one.patient})
        facts = Facts(self._door, self._tenant)
        relations = await facts.relations(patients)
        people = await facts.people({one.agent for one in accesses}, patients)
        return Material(tuple(accesses), people, relations, before, self._limits)
