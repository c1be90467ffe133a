"""Resident memory of a process and all that it has started, by what they are."""

from __future__ import annotations

import os
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_ROLES = ("head", "worker", "helper")


def resident(pid: int) -> dict[str, int]:
    """Bytes by role: the head of a server, its workers, and what those have started. Empty where
    the system has no /proc. Pages that processes share count once in each."""
    found: dict[str, int] = {}
    _add(found, pid, 0)
    return found


def _add(found: dict[str, int], pid: int, depth: int) -> None:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return  # it has ended in between
    role = _ROLES[min(depth, len(_ROLES) - 1)]
    found[role] = found.get(role, 0) + pages * _PAGE
    for child in children:
        _add(found, int(child), depth + 1)
