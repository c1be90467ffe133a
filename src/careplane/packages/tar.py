"""Tar files that somebody else made, read forward only (POSIX.1-2001 pax, and GNU's long names).

The standard library's reader believes what headers announce: it reads extended headers of any
length, keeps all members, and takes a damaged header for the end. Here what is announced is bounded
before any of it is read, and what is not understood is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from careplane.kernel.errors import Malformed, TooLarge

_BLOCK = 512
_MOST_EXTENDED = 1 << 16
_FILE, _FOLDER = b"0\0007", b"5"
_PAX, _PAX_ALL, _LONG_NAME = b"x", b"g", b"L"
_DAMAGED = "The archive is damaged: it cannot be read as a tar file."

Read = Callable[[int], bytes]


class Limits(NamedTuple):
    """What an archive may have: files and folders, and the length of one file."""

    members: int
    file: int


def files(read: Read, limits: Limits, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of those files that are wanted; the others are passed over. `read` gives
    as many bytes as it is asked for, fewer at the end. Raises Malformed or TooLarge."""
    name, size = "", -1
    for count in range(limits.members + 1):
        header = _header(read)
        if header is None:
            return
        if count == limits.members:
            raise TooLarge(f"The archive has more than {limits.members:,} files.")
        while header.type in (_PAX, _PAX_ALL, _LONG_NAME):
            if header.size > _MOST_EXTENDED:
                raise TooLarge(f"The archive has an extended header of {header.size:,} bytes.")
            text = _content(read, header.size)
            if header.type == _LONG_NAME:
                name = _text(text.rstrip(b"\0"))
            elif header.type == _PAX:
                name, size = _pax(text, name, size)
            header = _header(read)
            if header is None:
                raise Malformed(_DAMAGED)
        path = _checked(name or header.name)
        length = header.size if size < 0 else size
        name, size = "", -1
        if header.type == _FOLDER:
            continue
        if header.type not in _FILE:
            raise Malformed(
                f"The archive has a link or a device, {path[:80]!r}: a package has files only."
            )
        if length > limits.file:
            raise TooLarge(f"{path[:80]!r} has more than {limits.file:,} bytes.")
        if wanted(path):
            yield path, _content(read, length)
        else:
            _skip(read, length)


class _Header(NamedTuple):
    name: str
    size: int
    type: bytes


def _header(read: Read) -> _Header | None:
    """The next header, None at the end."""
    block = read(_BLOCK)
    if not block or block.count(0) == _BLOCK:
        return None
    if len(block) < _BLOCK or _number(block[148:156]) != 256 + sum(block) - sum(block[148:156]):
        raise Malformed(_DAMAGED)
    name = _text(block[:100].partition(b"\0")[0])
    prefix = _text(block[345:500].partition(b"\0")[0]) if block[257:263] == b"ustar\0" else ""
    return _Header(f"{prefix}/{name}" if prefix else name, _number(block[124:136]), block[156:157])


def _number(field: bytes) -> int:
    """A number in octal digits, or in base 256 where the highest bit is set."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if not digits.isdigit() or b"8" in digits or b"9" in digits:
        raise Malformed(_DAMAGED)
    return int(digits, 8)


def _pax(data: bytes, name: str, size: int) -> tuple[str, int]:
    """Name and size that an extended header gives to the next member."""
    while data:
        length, space, _ = data.partition(b" ")
        if not space or not length.isdigit() or not len(length) < int(length[:6]) <= len(data):
            raise Malformed(_DAMAGED)
        key, _, value = data[len(length) + 1 : int(length)].rstrip(b"\n").partition(b"=")
        data = data[int(length) :]
        if key == b"path":
            name = _text(value)
        elif key == b"size" and value.isdigit():
            size = int(value[:18])
        elif key.startswith(b"GNU.sparse"):
            raise Malformed("The archive has a sparse file: a package has plain ones only.")
    return name, size


def _checked(name: str) -> str:
    """The name in its plain form. Raises Malformed for one that leads out of the archive."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or "\\" in name or ".." in parts or ":" in name[:3]:
        raise Malformed(f"The archive names a file outside of itself: {name[:80]!r}.")
    return "/".join(parts)


def _content(read: Read, size: int) -> bytes:
    data = _exactly(read, size)
    _exactly(read, -size % _BLOCK)
    return data


def _skip(read: Read, size: int) -> None:
    left = size + -size % _BLOCK
    while left:
        left -= len(_exactly(read, min(left, 1 << 16)))


def _exactly(read: Read, size: int) -> bytes:
    data = read(size)
    if len(data) < size:
        raise Malformed("The archive ends in the middle of a file.")
    return data


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
