"""Texts that begin with a value, as a range of an index that compares by code points."""

from __future__ import annotations

_LAST = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


def following(value: str) -> str | None:
    """The least text above everything that begins with the value; None where there is none."""
    head = value.rstrip(chr(_LAST))
    if not head:
        return None
    last = ord(head[-1]) + 1
    return head[:-1] + chr(_SURROGATES.stop if last in _SURROGATES else last)


def paths(uri: str) -> list[str]:
    """The uri, and every path above it, with and without its slash."""
    ends = [n for n, letter in enumerate(uri) if letter == "/"]
    return list(dict.fromkeys([uri, *(uri[:n] for n in ends), *(uri[: n + 1] for n in ends)]))
