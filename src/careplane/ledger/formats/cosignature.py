"""What is signed (c2sp.org/signed-note, c2sp.org/tlog-cosignature).

Ed25519 signs the text of a note, or of a checkpoint under a line with the time. ML-DSA-44 signs a
`cosigned_message` of the checkpoint, whether a log signs its own or a witness cosigns; signed-note
has no other type for it.
"""

from __future__ import annotations

from careplane.kernel.errors import Malformed
from careplane.ledger.formats.checkpoint import parse

LATEST = 2**63 - 1
_LABEL = b"subtree/v1\n\x00"
_LONGEST = 255


def cosignature_message(text: str, timestamp: int) -> bytes:
    """The message of a cosignature/v1 (Ed25519); seconds since 1970."""
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def checkpoint_message(name: str, text: str, timestamp: int) -> bytes:
    """The message of a subtree/v1 (ML-DSA-44) over a whole checkpoint."""
    checkpoint = parse(text)
    return subtree_message(name, checkpoint.origin, 0, checkpoint.size, checkpoint.root, timestamp)


def subtree_message(
    name: str, origin: str, start: int, end: int, root: bytes, timestamp: int
) -> bytes:
    """`cosigned_message`: that leaves `start` to `end` of a log have this root. Where `start` is
    not 0 there is no time."""
    if start and timestamp:
        raise ValueError("a subtree that does not start at 0 is signed without a time")
    bounds = start.to_bytes(8, "big") + end.to_bytes(8, "big")
    moment = timestamp.to_bytes(8, "big")
    return _LABEL + _opaque(name, "key name") + moment + _opaque(origin, "origin") + bounds + root


def _opaque(text: str, what: str) -> bytes:
    value = text.encode()
    if not 0 < len(value) <= _LONGEST:
        raise Malformed(f"The {what} must have 1 to {_LONGEST} bytes to be signed with ML-DSA-44.")
    return len(value).to_bytes(1, "big") + value
