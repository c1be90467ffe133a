"""What one process counts: plain dictionaries, since every request pays for them. The head of the
server sums what its workers counted (see exposition)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from careplane.rest.watch import Seen
from careplane.storage.ports.records import Tenant, Version
from careplane.storage.ports.vitals import Vitals

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the classes of the histogram, in seconds; one more class has no end."""
Labels = tuple[str, ...]
Rows = list[tuple[str, Labels, list[float]]]
"""Family, values of its labels, and numbers that are added place by place."""


class Snapshot(Struct, frozen=True):
    """All that a process has counted (`counters` only grow), and how it stands (`gauges`)."""

    counters: Rows
    gauges: Rows


class Tally:
    """Counts of this process since its start."""

    def __init__(self) -> None:
        # seconds in all, then how many requests fell into each class of BOUNDS
        self._requests: dict[tuple[str, int, int], list[float]] = {}
        self._entries: Counter[int] = Counter()
        self._versions: Counter[tuple[int, str]] = Counter()

    def saw(self, seen: Seen, status: int, seconds: float) -> None:
        """One request was answered (rest.watch.Watch)."""
        key = (seen.interaction, status // 100, seen.tenant)
        row = self._requests.get(key)
        if row is None:
            row = self._requests[key] = [0.0] * (len(BOUNDS) + 2)
        row[0] += seconds
        row[bisect_left(BOUNDS, seconds) + 1] += 1
        if seen.entries:
            self._entries[seen.tenant] += seen.entries

    def wrote(
        self, tenant: Tenant, versions: Sequence[Version], rows: Sequence[object] = ()
    ) -> None:
        """These are durable (records.parts.Announce)."""
        for version in versions:
            self._versions[tenant, version.method] += 1

    def by_tenant(self) -> dict[int, tuple[int, float]]:
        """Requests, and the seconds that they took, by the number of a tenant."""
        found: dict[int, tuple[int, float]] = {}
        for (_, _, tenant), (seconds, *classes) in self._requests.items():
            requests, before = found.get(tenant, (0, 0.0))
            found[tenant] = requests + int(sum(classes)), before + seconds
        return found

    def snapshot(
        self, vitals: Vitals, tenants: Mapping[int, str], *, leads: bool, draining: bool
    ) -> Snapshot:
        """Everything, with how the store and the services stand, and the names of tenants."""
        requests: Rows = [
            ("requests", (name, f"{status}xx", str(tenant)), [*row])
            for (name, status, tenant), row in self._requests.items()
        ]
        entries: Rows = [("entries", (str(t),), [n]) for t, n in self._entries.items()]
        versions: Rows = [("versions", (m, str(t)), [n]) for (t, m), n in self._versions.items()]
        stopped: Rows = [("stopped_searches", (), [vitals.stopped_searches])]
        gauges: Rows = [
            ("waiting_writes", (), [vitals.waiting_writes]),
            ("waiting_audit", (), [vitals.waiting_audit]),
            ("read_only", (), [int(vitals.full)]),
            ("leads", (), [int(leads)]),
            ("draining", (), [int(draining)]),
        ]
        names: Rows = [("tenant_info", (str(t), name), [1]) for t, name in tenants.items()]
        return Snapshot([*requests, *entries, *versions, *stopped], [*gauges, *names])


def packed(snapshot: Snapshot) -> bytes:
    """On its way to the head."""
    return msgspec.msgpack.encode(snapshot)


_decode = msgspec.msgpack.Decoder(Snapshot)


def unpacked(data: bytes) -> Snapshot:
    return _decode.decode(data)
