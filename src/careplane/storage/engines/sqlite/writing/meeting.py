"""How the processes that share a data folder find the one that writes for all of them.

It listens on a socket in the folder, which only the folder's owner may open. Whoever finds nobody
there starts it; looking, starting and ending happen under one file lock, so there is never a second
one, and none ends while somebody is on the way to it.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from careplane.kernel.errors import Fault

SOCKET, LOCK = "writer.sock", "writer.lock"
_LONGEST = 100
"""Bytes of a socket's path that every system takes (unix(7): 108 with its end)."""
_BACKLOG = 128


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Nobody else looks for the writer, starts or ends it meanwhile."""
    lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def meet(folder: Path, start: Callable[[socket.socket], None]) -> socket.socket:
    """A connection to the folder's writer. `start` is given the socket to listen on where there is
    none. Raises OSError where no process can be started."""
    with locked(folder), _address(folder) as address:
        found = _connected(address)
        if found is not None:
            return found
        with socket.socket(socket.AF_UNIX) as listener:
            leave(folder)
            listener.bind(address)
            os.chmod(folder / SOCKET, 0o600)
            listener.listen(_BACKLOG)
            start(listener)
        found = _connected(address)
        if found is None:
            raise OSError("The process that writes does not listen")
        return found


def is_met(folder: Path) -> bool:
    """Whether a process writes for this folder now."""
    with _address(folder) as address:
        found = _connected(address)
    if found is not None:
        found.close()
    return found is not None


def leave(folder: Path) -> None:
    """Nobody listens here any more. Under `locked`."""
    with suppress(FileNotFoundError):
        (folder / SOCKET).unlink()


def _connected(address: str) -> socket.socket | None:
    link = socket.socket(socket.AF_UNIX)
    try:
        link.connect(address)
    except (FileNotFoundError, ConnectionRefusedError):
        link.close()
        return None
    except BaseException:
        link.close()
        raise
    return link


@contextmanager
def _address(folder: Path) -> Iterator[str]:
    """The socket's path, by way of an open folder where it would be too long."""
    path = str(folder / SOCKET)
    if len(os.fsencode(path)) <= _LONGEST:
        yield path
        return
    if not Path("/proc/self/fd").exists():
        raise Fault("The path of the data folder is too long: choose one below 80 characters")
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{opened}/{SOCKET}"
    finally:
        os.close(opened)
