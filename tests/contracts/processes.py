"""Processes that a test starts and kills."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

_PATIENCE = 20


def family(pid: int) -> list[int]:
    """The children of a process."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


def until_ended(pids: Sequence[int]) -> None:
    """Wait for them to end by themselves."""
    until = time.monotonic() + _PATIENCE
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < until, "it does not end"
        time.sleep(0.02)
