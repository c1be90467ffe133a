"""Receipts (c2sp.org/tlog-proof): that an entry is in a log, to be verified offline."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.kernel.errors import Malformed
from careplane.ledger.formats import note
from careplane.ledger.formats.text import digest, lines, number, octets, written

MEDIA_TYPE = "text/plain; charset=utf-8"
MOST_BYTES = note.MOST_BYTES + 96 * 1024
_FIRST = "c2sp.org/tlog-proof@v1"
_MOST_HASHES = 64
_MOST_EXTRA = 48 * 1024


@dataclass(frozen=True, slots=True)
class Receipt:
    """`proof` goes from the leaf up; `checkpoint` has the signatures; nothing signs `extra`."""

    index: int
    proof: tuple[bytes, ...]
    checkpoint: note.Note
    extra: bytes = b""

    def __bytes__(self) -> bytes:
        extra = f"extra {written(self.extra)}\n" if self.extra else ""
        path = "".join(f"{written(one)}\n" for one in self.proof)
        return f"{_FIRST}\n{extra}index {self.index}\n{path}\n".encode() + bytes(self.checkpoint)


def parse(data: bytes) -> Receipt:
    """A receipt from its bytes. Raises Malformed."""
    every = lines(data, MOST_BYTES, "The receipt")
    if every[0] != _FIRST:
        raise Malformed(f"The first line of a receipt is: {_FIRST}")
    if "" not in every:
        raise Malformed("The receipt has no empty line above its checkpoint.")
    head, rest = every[1 : every.index("")], every[every.index("") + 1 :]
    extra = b""
    if head and head[0].startswith("extra "):
        extra = octets(head.pop(0).removeprefix("extra "), "The extra data")
        if not 0 < len(extra) <= _MOST_EXTRA:
            raise Malformed(f"The extra data must have 1 to {_MOST_EXTRA:,} bytes.")
    if not head or not head[0].startswith("index "):
        raise Malformed("The receipt has no line `index N` before its proof.")
    index = number(head.pop(0).removeprefix("index "), "The index")
    if len(head) > _MOST_HASHES:
        raise Malformed(f"The proof has {len(head)} hashes; at most {_MOST_HASHES} are taken.")
    proof = tuple(digest(line, f"Hash {n} of the proof") for n, line in enumerate(head, 1))
    return Receipt(index, proof, note.parse("".join(f"{line}\n" for line in rest).encode()), extra)
