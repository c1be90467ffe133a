"""Room on the disk: writes stop while some is left, for the audit records of reads.

Below `reserve` free bytes the store is read-only. A file of that size keeps as much again for audit
records should other programs fill the disk to the last byte: it is removed for the first record
that finds no room. Both come back by themselves when there is room for them (decision 0021).
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from careplane.kernel.errors import Full

RESERVE = "reserve"
_EVERY_SECONDS = 1.0
_TEXT = (
    "The disk of this server is nearly full: nothing was stored, what is there can be read. "
    "Try again when its operator has made room."
)
_log = logging.getLogger(__name__)


class Room:
    """The room that one process sees in a data folder. Without a reserve it only says that the disk
    is full when it is."""

    def __init__(self, folder: Path, reserve: int) -> None:
        self._folder = folder
        self._path = folder / RESERVE
        self._reserve = reserve
        self._next = 0.0
        self._full = False
        if reserve:
            self._look()

    @property
    def full(self) -> bool:
        """Whether the store is read-only; looked at anew once a second."""
        if self._reserve and time.monotonic() >= self._next:
            self._look()
        return self._full

    def require(self) -> None:
        """Raises Full where nothing may be written now."""
        if self.full:
            raise Full(_TEXT)

    def exhausted(self) -> None:
        """A write found no room."""
        if self._reserve:
            self._turn(full=True)

    def relieve(self) -> bool:
        """An audit record found no room: give it what was kept. Whether there was something."""
        if not self._path.exists():
            return False
        self._turn(full=True)
        self._path.unlink(missing_ok=True)
        return True

    def _look(self) -> None:
        self._next = time.monotonic() + _EVERY_SECONDS
        free = shutil.disk_usage(self._folder).free
        if self._path.exists():
            self._turn(full=free < self._reserve)
        else:
            self._turn(full=free < 2 * self._reserve or not self._keep())

    def _turn(self, *, full: bool) -> None:
        if full != self._full:
            self._full = full
            if full:
                _log.error("The disk is nearly full: writes are refused until there is room")
            else:
                _log.warning("There is room on the disk: writes are taken again")

    def _keep(self) -> bool:
        """Make the file; whether it is there."""
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return True  # another process was faster
        try:
            allocate(handle, self._reserve)
        except OSError:
            with suppress(OSError):
                self._path.unlink()
            return False
        finally:
            os.close(handle)
        return True


def allocate(handle: int, size: int) -> None:
    """Make an empty file so many bytes long, which are there to be written to: no later write to
    them finds the disk full. Raises OSError."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
        return
    piece = bytes(1 << 20)
    while size > 0:
        size -= os.write(handle, piece[:size])
