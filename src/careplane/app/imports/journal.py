"""Which pieces are stored already, so that a second run passes them by. Losing the journal costs
time, nothing else: storing a piece again changes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

NAME = "imports.jsonl"


class Journal:
    """A file of one line a piece: its digest and how many resources of each type it had. Each
    database has one of its own."""

    def __init__(self, folder: Path, database: str = "") -> None:
        mark = f"-{hashlib.blake2b(database.encode(), digest_size=4).hexdigest()}"
        self._path = folder / (NAME.replace(".", f"{mark}.") if database else NAME)
        self._done = dict(self._read())
        self._file = self._path.open("a", encoding="ascii")

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

    def get(self, digest: bytes) -> Mapping[str, int] | None:
        """What a piece held, if it is stored."""
        return self._done.get(digest.hex())

    def add(self, digest: bytes, counts: Mapping[str, int]) -> None:
        """Note a piece as stored."""
        self._done[digest.hex()] = dict(counts)
        self._file.write(json.dumps({"digest": digest.hex(), "counts": dict(counts)}) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()
