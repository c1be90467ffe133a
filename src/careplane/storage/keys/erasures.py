"""The list of erasures: a file beside the key file, and in no backup, so that a copy from before an
erasure does not bring back what was erased.

Each line has the owner's keyed hash and the number of a key, in hexadecimal; whoever has the file
alone learns of nobody. A patient's record that is written anew has a key of another number.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from careplane.kernel.errors import Fault

NAME = "erasures"
NO_KEY = bytes(8)
"""In the place of a number: the patient's bodies were not encrypted."""
Erased = tuple[bytes, bytes]
"""Owner and number."""


class Erasures:
    """The list of one installation, as far as this process has read it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = 0
        self._all: set[Erased] = set()
        self.owners: set[bytes] = set()
        self.refresh()

    def __contains__(self, erased: Erased) -> bool:
        return erased in self._all

    def __iter__(self) -> Iterator[Erased]:
        return iter(sorted(self._all))

    def refresh(self) -> bool:
        """Read what has been added; whether there was anything. Raises Fault for a spoilt line."""
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            size = 0
        if size == self._seen:
            return False
        if size < self._seen:
            raise Fault(f"{self._path} has become shorter: put the whole list of erasures back")
        with self._path.open("rb") as file:
            file.seek(self._seen)
            added = file.read().decode("ascii", "replace")
        if not added.endswith("\n"):
            added = added[: added.rfind("\n") + 1]  # another process is in the middle of a line
        for line in added.splitlines():
            self._take(line)
        self._seen += len(added)
        return bool(added)

    def add(self, erased: Iterable[Erased]) -> None:
        """Note erasures; durable when this returns."""
        lines = [f"{o.hex()} {n.hex()}\n" for o, n in erased if (o, n) not in self._all]
        if not lines:
            return
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, "".join(lines).encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self.refresh()

    def _take(self, line: str) -> None:
        try:
            owner, number = (bytes.fromhex(part) for part in line.split(" "))
        except ValueError:
            raise Fault(
                f"{self._path} has a line that is no erasure: restore the file from your backup"
            ) from None
        self._all.add((owner, number))
        self.owners.add(owner)
