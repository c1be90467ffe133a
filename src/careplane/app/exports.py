"""The export: the door's pages, written to NDJSON files that appear whole or not at all."""

from __future__ import annotations

import gzip
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from careplane.access.caller import Caller
from careplane.kernel.errors import Incorrect
from careplane.records import bodies
from careplane.records.commands import Counts, Search
from careplane.records.door import Door

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Exporter:
    """Writes what a caller may search to a folder."""

    door: Door
    caller: Caller
    out: Path
    compress: bool

    async def run(self, types: Collection[str]) -> dict[str, int]:
        """Resources written, by type; all types that have any where none is named."""
        there = await self.door.counts(self.caller, Counts())
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Incorrect(f"{self.out} cannot be written to: {error.strerror}.") from error
        return {type: await self._type(type) for type in (types or sorted(there))}

    async def _type(self, type: str) -> int:
        name = f"{type}.ndjson" + (".gz" if self.compress else "")
        part = self.out / f"{name}.part"
        written, cursor = 0, None
        with gzip.open(part, "wb") if self.compress else part.open("wb") as file:
            while True:
                search = Search(type, (("_count", str(PAGE)),), cursor=cursor)
                found = await self.door.search(self.caller, search)
                file.writelines(bodies.whole(version) + b"\n" for version in found.matches)
                written += len(found.matches)
                if (cursor := found.next) is None:
                    break
        os.replace(part, self.out / name)
        return written
