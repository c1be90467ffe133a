"""What current versions are found by, computed anew: engines keep it in forms of their own, of
which one cannot be made from the other. It is what a `$reindex` makes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Self

from careplane.kernel.observe import describe
from careplane.records.bodies import Extract, rows_of
from careplane.records.definitions import defined_in
from careplane.records.timeline import Timeline
from careplane.search.custom import extracting
from careplane.search.extract import extract
from careplane.search.registry import r4_registry
from careplane.search.rows import Rows
from careplane.storage.ports.moving import Kept, Source
from careplane.storage.ports.records import DEFINING, Tenant

_log = logging.getLogger(__name__)


class Indexing:
    """With R4's search parameters, and those that each tenant has defined. `failed` names what
    could not be indexed: it is moved, and found by nothing."""

    def __init__(self, extracts: Mapping[Tenant, Extract]) -> None:
        self._extracts = extracts
        self.failed: list[str] = []

    @classmethod
    async def of(cls, source: Source) -> Self:
        """With the definitions that stand in a source."""
        registry, timelines = r4_registry(), dict[Tenant, Timeline]()
        async for batch in source.versions(type=DEFINING):
            for kept in batch:
                timeline = timelines.setdefault(kept.tenant, Timeline())
                version = kept.version
                timeline.hear(version.t, version.id, defined_in(version, registry))
        return cls(
            {
                tenant: extracting([custom for custom, _ in timeline.active.values()])
                for tenant, timeline in timelines.items()
                if timeline.active
            }
        )

    def rows(self, kept: Kept) -> Rows:
        """None for a version that was superseded."""
        if not kept.current:
            return Rows()
        try:
            return rows_of(self._extracts.get(kept.tenant, extract), kept.version)
        except Exception as error:
            _log.error("A resource cannot be indexed: %s", describe(error))
            self.failed.append(f"{kept.version.type}/{kept.version.id}")
            return Rows()
