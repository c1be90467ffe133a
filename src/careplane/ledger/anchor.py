"""What a log has signed, kept apart from the log: a restore of the log must not take it back.

One small file with the newest checkpoint and some hashes of its tree, replaced and durable before
the checkpoint is shown to anybody. Keep it on another disk than the log, and out of its backups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from careplane.kernel import files
from careplane.kernel.errors import Fault, Malformed
from careplane.ledger.formats import checkpoint, note
from careplane.ledger.merkle.frontier import Frontier
from careplane.ledger.merkle.spans import Node


@dataclass(frozen=True, slots=True)
class Anchor:
    """A signed checkpoint and the tree it is of. `watched` are the sizes of trees that witnesses
    may know instead, `bridge` the hashes that prove that this one continues those."""

    signed: note.Note
    frontier: Frontier
    watched: frozenset[int] = frozenset()
    bridge: Mapping[Node, bytes] = field(default_factory=dict)

    @property
    def known(self) -> dict[Node, bytes]:
        """All that is known of the tree."""
        return {**self.bridge, **self.frontier.nodes()}

    @property
    def checkpoint(self) -> checkpoint.Checkpoint:
        """What was signed."""
        return checkpoint.parse(self.signed.text)


class _Stored(msgspec.Struct):
    checkpoint: str
    frontier: list[bytes]
    watched: frozenset[int]
    bridge: list[tuple[int, int, bytes]]


class AnchorFile:
    """The file of one log."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Anchor | None:
        """What was signed last; None where there is no file. Raises Fault for a damaged one."""
        try:
            stored = msgspec.json.decode(self._path.read_bytes(), type=_Stored)
            signed = note.parse(stored.checkpoint.encode())
            head = checkpoint.parse(signed.text)
            frontier = Frontier(head.size, tuple(stored.frontier))
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, Malformed, ValueError) as error:
            raise Fault(f"{self._path} is damaged: put a copy of it back.") from error
        if frontier.root() != head.root:
            raise Fault(f"{self._path} is damaged: its hashes are not those of its checkpoint.")
        bridge = {Node(height, number): one for height, number, one in stored.bridge}
        return Anchor(signed, frontier, stored.watched, bridge)

    def save(self, anchor: Anchor) -> None:
        """Replace what was signed last. Raises Fault where the disk refuses."""
        bridge = [(*node, one) for node, one in anchor.bridge.items()]
        hashes = list(anchor.frontier.hashes)
        stored = _Stored(bytes(anchor.signed).decode(), hashes, anchor.watched, bridge)
        try:
            files.replace(self._path, msgspec.json.encode(stored))
        except OSError as error:
            raise Fault(
                f"{self._path} cannot be written: nothing is signed until it can."
            ) from error
