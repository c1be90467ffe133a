"""Checkpoints (c2sp.org/tlog-checkpoint): which log, how many leaves, what root."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.kernel.errors import Malformed
from careplane.ledger.formats.text import digest, number, written
from careplane.ledger.merkle.hashes import EMPTY_ROOT


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tree head that a note states. `extensions` are further lines, which mean nothing here."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text of the note."""
        rest = "".join(f"{line}\n" for line in self.extensions)
        return f"{self.origin}\n{self.size}\n{written(self.root)}\n{rest}"


def parse(text: str) -> Checkpoint:
    """A checkpoint from the text of a note. Raises Malformed."""
    if not text.endswith("\n"):
        raise Malformed("The checkpoint does not end with a newline.")
    every = text[:-1].split("\n")
    if len(every) < 3 or not all(every):
        raise Malformed("A checkpoint has three lines that are not empty: origin, size, root.")
    size = number(every[1], "The size of the checkpoint")
    root = digest(every[2], "The root of the checkpoint")
    if size == 0 and root != EMPTY_ROOT:
        raise Malformed("The root of a tree without leaves must be the hash of nothing.")
    return Checkpoint(every[0], size, root, tuple(every[3:]))
