"""Signed notes (c2sp.org/signed-note): a text and lines of signatures under it."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.kernel.errors import Malformed
from careplane.ledger.formats.text import lines, octets, written

MOST_BYTES = 128 * 1024
MOST_SIGNATURES = 64
_DASH = "— "
_ID_BYTES = 4


@dataclass(frozen=True, slots=True)
class Signature:
    """One line: whose, and what its key made of the text."""

    name: str
    key_id: bytes
    value: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {written(self.key_id + self.value)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """`text` ends with a newline. Nothing in it is true until a signature was verified."""

    text: str
    signatures: tuple[Signature, ...]

    def __bytes__(self) -> bytes:
        return f"{self.text}\n{''.join(map(str, self.signatures))}".encode()


def parse(data: bytes) -> Note:
    """A note from its bytes. Raises Malformed."""
    every = lines(data, MOST_BYTES, "The note")
    if "" not in every:
        raise Malformed("The note has no empty line between its text and its signatures.")
    blank = len(every) - 1 - every[::-1].index("")
    text, signed = every[:blank], every[blank + 1 :]
    if not text:
        raise Malformed("The note has no text above its signatures.")
    return Note("\n".join(text) + "\n", signatures(signed))


def signatures(signed: list[str]) -> tuple[Signature, ...]:
    """Signature lines, one at least."""
    if not 0 < len(signed) <= MOST_SIGNATURES:
        raise Malformed(f"The note must have 1 to {MOST_SIGNATURES} signatures.")
    return tuple(map(_signature, signed))


def is_key_name(name: str) -> bool:
    """Whether a key may be called so: UTF-8 without spaces and plus signs."""
    bad = (c.isspace() or c == "+" or c < " " or "\ud800" <= c <= "\udfff" for c in name)
    return bool(name) and not any(bad)


def _signature(line: str) -> Signature:
    name, space, value = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not is_key_name(name):
        raise Malformed("A signature line must be: em dash, space, key name, space, base64.")
    raw = octets(value, "A signature")
    if len(raw) <= _ID_BYTES:
        raise Malformed("A signature is shorter than its key ID.")
    return Signature(name, raw[:_ID_BYTES], raw[_ID_BYTES:])
