"""A lock of the data folder: the system frees it when its process ends (flock(2))."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FileLock:
    """Held by having the file open and locked; a program that is started does not inherit it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    async def hold(self) -> bool:
        if self._file is None:
            file = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                return False
            self._file = file
        return True

    async def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
