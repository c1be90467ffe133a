"""The port to copies of an installation, for engines that can make one while others write.

An engine without it (a database server has tools of its own) is backed up by those.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from msgspec import Struct


class Part(Struct, frozen=True):
    """Rows of one kind, the number of the newest, and a SHA-256 over all of them in order."""

    rows: int
    newest: int
    sha256: str


class Contents(Struct, frozen=True):
    """What a folder holds: counts and sums, nothing of a patient. `resources` are the current ones
    by type, over all tenants; `waiting` are audit records that are not in the trail yet."""

    resources: dict[str, int]
    versions: Part
    audit: Part
    waiting: Part
    state: Part


class Vault(Protocol):
    """Whoever copies for an engine. Raises `Busy` or `Fault`, `NotFound` where there is nothing to
    copy, and nothing else of its own."""

    def copy(self, source: Path, target: Path) -> None:
        """Copy a data folder that may be in use, without its key, to a folder that is there and
        empty. What was acknowledged before is in the copy, nothing is in it by half, and it names
        no version in its state that it does not have."""

    def contents(self, folder: Path) -> Contents:
        """Look through a folder that nobody uses, all of it."""
