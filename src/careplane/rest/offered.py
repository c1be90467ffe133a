"""The operations of this room. Features have theirs, and `app.build` gathers all of them."""

from __future__ import annotations

from careplane.rest.interactions import everything, lastn, meta, stats, validate

OPERATIONS = (
    *everything.OPERATIONS,
    *lastn.OPERATIONS,
    *meta.OPERATIONS,
    *stats.OPERATIONS,
    *validate.OPERATIONS,
)
