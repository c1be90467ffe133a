"""The operations of this room. Features have theirs, and `app.build` gathers all of them."""

from __future__ import annotations

from careplane.kernel.clock import system_clock
from careplane.rest.interactions import (
    diff,
    everything,
    graph,
    graphql,
    lastn,
    meta,
    stats,
    validate,
)

OPERATIONS = (
    *diff.OPERATIONS,
    *everything.OPERATIONS,
    *graph.OPERATIONS,
    *graphql.operations(system_clock),
    *lastn.OPERATIONS,
    *meta.OPERATIONS,
    *stats.OPERATIONS,
    *validate.OPERATIONS,
)
