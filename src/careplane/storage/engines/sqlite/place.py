"""Where several processes have one data folder open: a place for each, by a number.

A place is held by a file lock, which ends with the process, however it ends. What a process appends
on its own stands in files of its place (see spool).
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from careplane.kernel.errors import Busy

_PLACES = 256
_ALL = "spool.lock"
_MOVING = "The records of this data folder are being moved: try again when that is done"


class Place:
    """A number of this process alone, from 1. Raises Busy where there is none."""

    def __init__(self, folder: Path) -> None:
        shared = _locked(folder / _ALL, fcntl.LOCK_SH)
        if shared is None:
            raise Busy(_MOVING)
        for number in range(1, _PLACES + 1):
            lock = taken(folder, number)
            if lock is not None:
                self.number, self._locks = number, (lock, shared)
                return
        os.close(shared)
        raise Busy(f"More than {_PLACES} processes have this data folder open")

    def close(self) -> None:
        """Another process may take it."""
        for lock in self._locks:
            os.close(lock)


def taken(folder: Path, number: int) -> int | None:
    """A place's lock, to be closed, or None where a process holds it."""
    return _locked(folder / f"spool-{number}.lock", fcntl.LOCK_EX)


def all_taken(folder: Path) -> int | None:
    """A lock that keeps everybody from having a place, to be closed, or None where somebody has
    one."""
    return _locked(folder / _ALL, fcntl.LOCK_EX)


def _locked(path: Path, kind: int) -> int | None:
    lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock
