"""Which pieces are stored already, so that a second run passes them by. Losing the journal costs
time, nothing else: storing a piece again changes nothing."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from careplane.interop.bulk.loading.loader import Failure, Loaded
from careplane.interop.bulk.loading.pieces import Piece

NAME = "imports.jsonl"


@dataclass(slots=True)
class Report:
    """What came of an import. `stored` and `known` count resources by type; `known` were there
    before; `failures` stand with the file that each is of."""

    stored: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, Failure]] = field(default_factory=list)


class Journal:
    """A file of one line a piece: its digest and how many resources of each type it had. Each
    database and tenant has one of its own. With `again` nothing counts as known; `told` hears of
    every piece that is done, with its size."""

    def __init__(
        self,
        folder: Path,
        told: Callable[[int], None],
        *,
        again: bool = False,
        database: str = "",
        tenant: int = 1,
    ) -> None:
        mark = f"-{hashlib.blake2b(database.encode(), digest_size=4).hexdigest()}"
        marks = (mark if database else "") + (f"-{tenant}" if tenant != 1 else "")
        self._path = folder / NAME.replace(".", f"{marks}.")
        self._told, self._again = told, again
        self._done = dict(self._read())
        self._file = self._path.open("a", encoding="ascii")
        self.report = Report()

    def _read(self) -> list[tuple[str, dict[str, int]]]:
        if not self._path.exists():
            return []
        read = []
        for line in self._path.read_text("ascii").splitlines():
            try:
                one = json.loads(line)
                read.append((one["digest"], one["counts"]))
            except (ValueError, KeyError, TypeError):
                continue  # the last line of a run that was killed
        return read

    def knows(self, piece: Piece, digest: bytes) -> bool:
        """Whether it is stored, and then it is counted as known."""
        counts = None if self._again else self._done.get(digest.hex())
        if counts is None:
            return False
        self.report.known.update(counts)
        self._told(sum(counts.values()))
        return True

    async def add(self, piece: Piece, digest: bytes, loaded: Loaded) -> None:
        """Count a piece, and note it as stored where all of it is."""
        self.report.stored.update(loaded.counts)
        self.report.failures += [(piece.origin, failure) for failure in loaded.failures]
        self._told(sum(loaded.counts.values()))
        if not loaded.failures:
            self._note(digest.hex(), loaded.counts)

    def _note(self, digest: str, counts: Mapping[str, int]) -> None:
        self._done[digest] = dict(counts)
        self._file.write(json.dumps({"digest": digest, "counts": dict(counts)}) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()
