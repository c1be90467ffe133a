"""The sum over the workers of a server, those that have ended included.

A counter must not fall when a worker ends, so what the last snapshot of it said is kept: the one
that it left behind, or where it was killed the newest one that was asked for.
"""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import msgspec

from careplane.app.operations.reports import LAST, LIVE
from careplane.app.operations.tally import Labels, Rows, Snapshot, unpacked

Sums = dict[tuple[str, Labels], list[float]]
_SECONDS = 1.0
_HIGHEST = frozenset({"waiting_audit", "tenant_info"})
"""What every worker says of the whole installation."""


class Gathering:
    """Asks the workers that report in a folder. May be used by several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._newest: dict[str, Snapshot] = {}
        self._ended: Sums = {}
        self._lock = threading.Lock()

    def sums(self) -> Sums:
        """Counters and gauges over all workers."""
        with self._lock:
            living = self._living()
            self._bury(living)
            sums = {key: [*values] for key, values in self._ended.items()}
            for snapshot in living.values():
                add(sums, snapshot.counters)
                add(sums, snapshot.gauges)
            self._newest = living
            return sums

    def _living(self) -> dict[str, Snapshot]:
        """One that does not answer in time stands as it last did."""
        found = {}
        for path in self._folder.glob(f"*{LIVE}"):
            try:
                snapshot = _ask(path)
            except (ConnectionRefusedError, FileNotFoundError):
                path.unlink(missing_ok=True)
                continue
            except (OSError, msgspec.MsgspecError):
                known = self._newest.get(path.stem)
                if known is None:
                    continue
                snapshot = known
            found[path.stem] = snapshot
        return found

    def _bury(self, living: dict[str, Snapshot]) -> None:
        for path in self._folder.glob(f"*{LAST}"):
            living.pop(path.stem, None)
            self._newest.pop(path.stem, None)
            add(self._ended, unpacked(path.read_bytes()).counters)
            path.unlink()
        for name in self._newest.keys() - living.keys():
            add(self._ended, self._newest[name].counters)


def add(sums: Sums, rows: Rows) -> None:
    """Add rows to sums, place by place."""
    for family, labels, values in rows:
        before = sums.get((family, labels), [0.0] * len(values))
        if family in _HIGHEST:
            sums[family, labels] = [max(a, b) for a, b in zip(before, values, strict=True)]
        else:
            sums[family, labels] = [a + b for a, b in zip(before, values, strict=True)]


def _ask(path: Path) -> Snapshot:
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(_SECONDS)
        link.connect(str(path))
        data = b""
        while piece := link.recv(1 << 16):
            data += piece
    return unpacked(data)
