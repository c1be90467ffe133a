"""From measured bytes and rates to 10^6, 10^8 and 10^10: the formulas of docs/scale.md."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tools.scale_layout.sizes import Measured

SIZES = (10**6, 10**8, 10**10)
VERSIONS = 1.3
"""Versions a resource has in the course of time."""
ACCESSES = 5
"""Audit records a resource gives rise to in the course of time."""
NODE_MEMORY, NODE_DISK = 256e9, 4e12
CACHE = 0.7
"""The part of a node's memory that holds pages."""
FULL = 0.7
"""How full a disk gets."""
COPIES = 2
"""A primary and a standby."""
TENANTS = {10**6: 1, 10**8: 10, 10**10: 1000}
"""How many tenants share the resources in the example."""
BACKUP = 200e6
"""Bytes a second that a node writes of itself into a backup."""
TEXTS = ("term", "term_folded", "term_pkey")
HOT = ("resource_pkey", "version_pkey", "resource_keys")
"""Indexes over hashes: neighbours in time are no neighbours there, so all pages are equally hot."""


@dataclass(frozen=True, slots=True)
class Projected:
    """Of `count` resources; bytes, hours and nodes."""

    count: int
    now: float
    history: float
    audit: float
    memory: float
    nodes: int
    hours: float
    hours_by_tenants: float
    wal: float
    meet: float

    @property
    def disk(self) -> float:
        return self.now + self.history + self.audit

    @property
    def backup(self) -> float:
        """Hours, if all nodes write at once."""
        return self.disk / self.nodes / BACKUP / 3600


def projected(small: Measured, measured: Measured, count: int) -> Projected:
    """What so many resources take, if every one is as those that were measured. Texts are counted
    as in the smaller store, since the larger one repeats them."""
    history_tables = ("version", "version_pkey", "version_t", "version_type", "version_updated")
    trail = ("audit", "audit_pkey")
    repeated = measured.a_resource("outbox", "outbox_pkey", *trail, *TEXTS)
    everything = measured.a_resource() - repeated + small.a_resource(*TEXTS)
    now = count * everything
    history = count * (VERSIONS - 1) * measured.a_resource(*history_tables)
    audit = count * ACCESSES * measured.record
    memory = count * measured.a_resource(*HOT)
    by_memory = memory / (NODE_MEMORY * CACHE)
    by_disk = (now + history + audit) / (NODE_DISK * FULL)
    nodes = max(1, math.ceil(max(by_memory, by_disk)))
    seconds = count / measured.rate
    tenants = TENANTS[count]
    return Projected(
        count,
        now,
        history,
        audit,
        memory,
        nodes,
        seconds / 3600,
        seconds / 3600 / min(nodes, tenants),
        count * measured.wal / measured.count,
        tenants * (count / tenants) ** 2 / 2**65,
    )
