"""Numbers, hashes and base64 as these formats write them: in one way only."""

from __future__ import annotations

import base64
import binascii
import re

from careplane.kernel.errors import Malformed
from careplane.ledger.merkle.hashes import SIZE

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_LARGEST = 2**63 - 1


def number(text: str, what: str) -> int:
    """ASCII decimal without sign or leading zeroes, below 2**63."""
    if not _DECIMAL.fullmatch(text) or int(text) > _LARGEST:
        raise Malformed(f"{what} must be a decimal number without leading zeroes, below 2^63.")
    return int(text)


def octets(text: str, what: str) -> bytes:
    """Standard base64 with padding (RFC 4648 section 4), in its only spelling."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(f"{what} is not base64 with padding.") from None
    if base64.b64encode(value).decode() != text:
        raise Malformed(f"{what} is base64 with spare bits set: write it anew.")
    return value


def digest(text: str, what: str) -> bytes:
    """A SHA-256 hash in base64."""
    value = octets(text, what)
    if len(value) != SIZE:
        raise Malformed(f"{what} has {len(value)} bytes, and a SHA-256 hash has {SIZE}.")
    return value


def written(value: bytes) -> str:
    """Bytes in base64."""
    return base64.b64encode(value).decode()


def lines(data: bytes, most: int, what: str) -> list[str]:
    """The lines of UTF-8 text, each of which must end with a newline."""
    if len(data) > most:
        raise Malformed(f"{what} has {len(data):,} bytes; at most {most:,} are taken.")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Malformed(f"{what} is not UTF-8.") from None
    if any(c < " " and c != "\n" for c in text):
        raise Malformed(f"{what} has control characters other than newline.")
    if not text.endswith("\n"):
        raise Malformed(f"{what} does not end with a newline.")
    return text[:-1].split("\n")
