"""The port to copies of an installation that can be made while others write."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from msgspec import Struct


class Part(Struct, frozen=True):
    """Rows of one kind, the number of the newest, and a SHA-256 over all of them in order."""

    rows: int
    newest: int
    sha256: str


class Contents(Struct, frozen=True, omit_defaults=True):
    """What a folder holds: counts and sums, nothing of a patient. `resources` are the current ones
    by type, over all tenants; `waiting` are audit records that are not in the trail yet; `ledger`
    are the leaves of the log, where there is one; `keys` are those that bodies are under, wrapped,
    None in a copy from before there were any; `terminology` are concepts of large code systems,
    where there are any."""

    resources: dict[str, int]
    versions: Part
    audit: Part
    waiting: Part
    state: Part
    ledger: Part | None = None
    keys: Part | None = None
    terminology: Part | None = None


class Vault(Protocol):
    """Whoever copies one installation, and fills one from a copy. Raises `Busy` or `Fault`,
    `NotFound` where there is nothing to copy, `Conflict` where something is in the way, and nothing
    else of its own."""

    engine: str
    """Whose copies these are: other engines cannot read them."""

    def copy(self, target: Path) -> None:
        """Copy what may be in use, without its key, to a folder that is there and empty. What was
        acknowledged before is in the copy, nothing is in it by half, and it names no version in its
        state that it does not have."""

    def contents(self, copy: Path) -> Contents:
        """Look through a copy, all of it."""

    def restore(self, copy: Path, folder: Path) -> Contents:
        """Fill an installation that has nothing yet: a data folder, which is there and empty, or
        the engine's database. What it holds then, looked through again; where that is not what the
        copy holds, or anything fails, a database is as it was before."""
