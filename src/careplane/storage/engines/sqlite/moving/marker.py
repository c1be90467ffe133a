"""The file that says that a data folder is only half there: a move into it is under way, or was
interrupted. It holds what the move began from; a lock on it keeps a second move away."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from careplane.kernel.errors import Busy, Conflict, Fault

NAME = "moving"


def require_whole(folder: Path) -> None:
    """Raises Fault while a move into the folder is not at its end."""
    if (folder / NAME).exists():
        raise Fault(f"A move into {folder} is not at its end: run the same command again")


class Marker:
    """Held until it is closed."""

    def __init__(self, folder: Path, origin: bytes) -> None:
        """Raises Conflict where the folder holds a part of another origin."""
        self._folder = folder
        self._file = os.open(folder / NAME, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            self._hold(origin)
        except BaseException:
            os.close(self._file)
            raise

    def _hold(self, origin: bytes) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy(f"Another move into {self._folder} is under way") from None
        found = os.pread(self._file, len(origin) + 1, 0)
        if len(found) < len(origin):  # made a moment ago, or killed in this moment
            os.pwrite(self._file, origin, 0)
            os.fsync(self._file)
            settle(self._folder)
        elif found != origin:
            raise Conflict(
                f"{self._folder} holds a part of another store, or of this one before it was "
                "written to again: remove its *.sqlite files and its file `moving`, and begin anew"
            )

    def remove(self) -> None:
        """The folder is whole."""
        (self._folder / NAME).unlink()
        settle(self._folder)

    def close(self) -> None:
        os.close(self._file)


def settle(folder: Path) -> None:
    """What was made or removed in the folder is so after a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
