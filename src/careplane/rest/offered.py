"""The operations of this room. Features have theirs, and `app.build` gathers all of them."""

from __future__ import annotations

from careplane.rest.interactions import (
    diff,
    erase,
    everything,
    graph,
    lastn,
    meta,
    purge,
    reindex,
    stats,
    validate,
)

OPERATIONS = (
    *diff.OPERATIONS,
    *everything.OPERATIONS,
    *graph.OPERATIONS,
    *lastn.OPERATIONS,
    *meta.OPERATIONS,
    *purge.OPERATIONS,
    *erase.OPERATIONS,
    *reindex.OPERATIONS,
    *stats.OPERATIONS,
    *validate.OPERATIONS,
)
