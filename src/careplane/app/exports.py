"""The export of the command line: pages of the door's export, written to plain NDJSON files that
appear whole or not at all. All files show the store as it was when it began."""

from __future__ import annotations

import gzip
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from careplane.access.caller import Caller
from careplane.interop.bulk.lines import lines
from careplane.kernel.errors import Incorrect
from careplane.records.commands import Counts, Export, PrepareExport
from careplane.records.door import Door


@dataclass(frozen=True, slots=True)
class Exporter:
    """Writes what a caller may search to a folder."""

    door: Door
    caller: Caller
    out: Path
    compress: bool

    async def run(self, types: Collection[str]) -> dict[str, int]:
        """Resources written, by type; all types that have any where none is named."""
        types = types or await self.door.counts(self.caller, Counts())
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Incorrect(f"{self.out} cannot be written to: {error.strerror}.") from error
        command = PrepareExport(tuple(sorted(types)))
        at = (await self.door.prepare_export(self.caller, command)).at
        return {type: await self._type(type, at) for type in types}

    async def _type(self, type: str, at: int) -> int:
        name = f"{type}.ndjson" + (".gz" if self.compress else "")
        part = self.out / f"{name}.part"
        written, after = 0, 0
        with gzip.open(part, "wb") if self.compress else part.open("wb") as file:
            while True:
                page = await self.door.export(self.caller, Export(type, at, after=after))
                file.write(lines(page.versions, ()))
                written += len(page.versions)
                if page.next is None:
                    break
                after = page.next
        os.replace(part, self.out / name)
        return written
