"""The operations of this room. Features have theirs, and `app.build` gathers all of them."""

from __future__ import annotations

from careplane.rest.interactions import (
    consent_check,
    diff,
    erase,
    everything,
    graph,
    lastn,
    meta,
    purge,
    reindex,
    relabel,
    stats,
    terminology,
    validate,
)

OPERATIONS = (
    *consent_check.OPERATIONS,
    *diff.OPERATIONS,
    *everything.OPERATIONS,
    *graph.OPERATIONS,
    *lastn.OPERATIONS,
    *meta.OPERATIONS,
    *purge.OPERATIONS,
    *erase.OPERATIONS,
    *reindex.OPERATIONS,
    *relabel.OPERATIONS,
    *stats.OPERATIONS,
    *terminology.OPERATIONS,
    *validate.OPERATIONS,
)
