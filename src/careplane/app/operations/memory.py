"""Resident memory of a process and all that it has started, by what they are."""

from __future__ import annotations

import os
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_ROLES = ("head", "worker", "helper")


def resident(pid: int) -> dict[str, int]:
    """Bytes by role: the head of a server, its workers, and what those have started. Empty where
    the system has no /proc. Pages that processes share count once in each."""
    children = _children()
    found: dict[str, int] = {}
    some, depth = [pid], 0
    while some:
        role = _ROLES[min(depth, len(_ROLES) - 1)]
        size = sum(map(_size, some))
        if size:
            found[role] = found.get(role, 0) + size
        some, depth = [child for one in some for child in children.get(one, ())], depth + 1
    return found


def _size(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0  # it has ended in between


def _children() -> dict[int, list[int]]:
    """Of each process. They are asked for their parent (proc(5), stat): a list that the parent has
    of them may lack some while others end."""
    found: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        found.setdefault(parent, []).append(int(path.parent.name))
    return found
