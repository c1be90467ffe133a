"""Index rows of resources made anew, inside of a transaction of the writer: no version is written.

Each resource by itself, since it is counted whether its rows were other ones before. A resource
that was written in between is left alone: its rows were made with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from careplane.storage.engines.sqlite.group import Group
from careplane.storage.ports.records import Reindex, Reindexed, Tenant


def reindex(group: Group, tenant: Tenant, items: Sequence[Reindex]) -> tuple[Reindexed, ...]:
    """What came of each, in their order."""
    return tuple([_one(group, tenant, item) for item in items])


def _one(group: Group, tenant: Tenant, item: Reindex) -> Reindexed:
    rid = group.indexed_anew(tenant, item)
    if rid is None:
        return "moved"
    return "changed" if group.write_rows(tenant, rid, item.rows, item.gone) else "same"
