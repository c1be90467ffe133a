"""What a log sends to a witness, and gets back (c2sp.org/tlog-witness, add-checkpoint).

The same bytes say on their own that a checkpoint continues an earlier one: `verify.py` reads them.
"""

from __future__ import annotations

from dataclasses import dataclass

from careplane.kernel.errors import Malformed
from careplane.ledger.formats import note
from careplane.ledger.formats.text import digest, lines, number, written

SIZE_TYPE = "text/x.tlog.size"
MOST_BYTES = note.MOST_BYTES + 4 * 1024
_MOST_HASHES = 63


@dataclass(frozen=True, slots=True)
class Submission:
    """A checkpoint, and the proof that it continues the one of size `old`."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: note.Note

    def __bytes__(self) -> bytes:
        path = "".join(f"{written(one)}\n" for one in self.proof)
        return f"old {self.old}\n{path}\n".encode() + bytes(self.checkpoint)


def parse(data: bytes) -> Submission:
    """A submission from its bytes. Raises Malformed."""
    every = lines(data, MOST_BYTES, "The submission")
    if "" not in every:
        raise Malformed("The submission has no empty line above its checkpoint.")
    head, rest = every[: every.index("")], every[every.index("") + 1 :]
    if not head or not head[0].startswith("old "):
        raise Malformed("The first line of a submission is `old N`.")
    old = number(head[0].removeprefix("old "), "The old size")
    if len(head) - 1 > _MOST_HASHES:
        raise Malformed(f"The proof has more than {_MOST_HASHES} hashes.")
    proof = tuple(digest(line, f"Hash {n} of the proof") for n, line in enumerate(head[1:], 1))
    return Submission(old, proof, note.parse("".join(f"{line}\n" for line in rest).encode()))


def parse_cosignatures(data: bytes) -> tuple[note.Signature, ...]:
    """The lines that a witness answers with."""
    return note.signatures(lines(data, note.MOST_BYTES, "The answer of the witness"))


def parse_size(data: bytes) -> int:
    """The size that a witness answers 409 with: that of the checkpoint it knows."""
    every = lines(data, 64, "The size of the witness")
    if len(every) != 1:
        raise Malformed("The size of the witness is not one line.")
    return number(every[0], "The size of the witness")
