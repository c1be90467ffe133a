"""Where several processes serve one data folder: an audit inbox for each.

SQLite lets one connection write to a file at a time, and a request must not wait for another
process' lock. So each process appends to a file of its own, from which records move to the audit
file (see audit). A place is held by a file lock, which ends with the process, however it ends.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from careplane.kernel.errors import Busy

_PLACES = 256


class Place:
    """A number of this process alone, from 1, and the file that goes with it."""

    def __init__(self, folder: Path) -> None:
        for number in range(1, _PLACES + 1):
            lock = os.open(_path(folder, number, "lock"), os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(lock)
                continue
            self.number, self._lock = number, lock
            self.path = _path(folder, number, "sqlite")
            return
        raise Busy(f"More than {_PLACES} processes serve this data folder")

    def close(self) -> None:
        """Another process may take it."""
        os.close(self._lock)


def inboxes(folder: Path) -> dict[int, Path]:
    """Those that were ever made, by number."""
    found = {int(path.stem.split("-")[1]): path for path in folder.glob("inbox-*.sqlite")}
    return dict(sorted(found.items()))


def _path(folder: Path, number: int, kind: str) -> Path:
    return folder / f"inbox-{number}.{kind}"
