"""From the trail to accesses: what members of the staff did, patient by patient."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from careplane.kernel.errors import TooLarge
from careplane.ledger.audit import Outcome
from careplane.ledger.trail import Entry, Question, Trail
from careplane.records.audits.anomalies.material import DAY, Access
from careplane.storage.ports.records import Tenant

STAFF = "Practitioner/"
_MOST = 2_000_000
History = dict[str, tuple[tuple[int, frozenset[str]], ...]]


async def accesses(trail: Trail, tenant: Tenant, since: int, until: int) -> list[Access]:
    """Of a period, in order of time. Raises TooLarge where there are too many to look at."""
    found: list[Access] = []
    asked = Question(since=since, before=until, newest_first=False)
    async for entry in trail.walk(tenant, asked):
        found += accesses_of(entry)
        if len(found) > _MOST:
            raise TooLarge("There are too many accesses to look at; ask for a shorter time.")
    return found


async def history(trail: Trail, tenant: Tenant, since: int, until: int) -> History:
    """How many patients each person saw on each day of a period, with the roles of the day."""
    seen: defaultdict[str, defaultdict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    roles: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    asked = Question(since=since, before=until, newest_first=False)
    async for entry in trail.walk(tenant, asked):
        record, day = entry.record, entry.record.recorded // DAY
        if record.agent.startswith(STAFF) and record.outcome is Outcome.SUCCESS and record.patients:
            seen[record.agent][day].update(record.patients)
            roles[record.agent, day].update(record.roles.split())
    return {
        agent: tuple(
            (len(patients), frozenset(roles[agent, day])) for day, patients in days.items()
        )
        for agent, days in seen.items()
    }


def accesses_of(entry: Entry) -> Iterator[Access]:
    """One for each patient that a record is about; one of nobody where it is about none."""
    record = entry.record
    if not record.agent.startswith(STAFF):
        return
    refused = record.outcome is not Outcome.SUCCESS
    roles = tuple(sorted(record.roles.split()))
    for patient in record.patients or ("",):
        yield Access(
            entry.seq, record.recorded, record.agent, patient, record.interaction,
            refused, record.emergency, roles,
        )  # fmt: skip
