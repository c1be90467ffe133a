"""What current versions are found by, computed anew: engines keep it in forms of their own, of
which one cannot be made from the other. It is what a `$reindex` makes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Self

from careplane.kernel.observe import describe
from careplane.records.bodies import Extract, rows_of
from careplane.records.definitions import defined_in, is_full_text
from careplane.records.timeline import Timeline
from careplane.search.custom import extracting
from careplane.search.extract import extract
from careplane.search.registry import r4_registry
from careplane.search.rows import Rows
from careplane.search.wording import extract_with_words
from careplane.storage.keys.bodies import patient_of
from careplane.storage.ports.moving import Kept, Source
from careplane.storage.ports.records import DEFINING, Tenant

_log = logging.getLogger(__name__)


class Indexing:
    """With R4's search parameters, those that each tenant has defined, and full-text search where
    it was on. `failed` names what could not be indexed: it is moved, and found by nothing."""

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
        with_words = {
            note.tenant
            async for notes in source.noted()
            for note in notes
            if is_full_text(note.space, note.entry)
        }
        return cls(
            {
                tenant: extracting(
                    [custom for custom, _ in timelines[tenant].active.values()]
                    if tenant in timelines
                    else [],
                    extract_with_words if tenant in with_words else extract,
                )
                for tenant in timelines.keys() | with_words
            }
        )

    def rows(self, kept: Kept) -> Rows:
        """None for a version that was superseded."""
        return self._rows(kept) if kept.current else Rows()

    def patient(self, kept: Kept, rows: Rows) -> str:
        """Under whose key a version belongs; `rows` are those of a current one."""
        found = rows if kept.current else self._rows(kept)
        return patient_of(kept.version.type, kept.version.id, found)

    def _rows(self, kept: Kept) -> Rows:
        try:
            return rows_of(self._extracts.get(kept.tenant, extract), kept.version)
        except Exception as error:
            _log.error("A resource cannot be indexed: %s", describe(error))
            self.failed.append(f"{kept.version.type}/{kept.version.id}")
            return Rows()
