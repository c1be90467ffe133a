"""Files and folders to pieces: what is read at once and stored as one unit.

A piece is a whole file (a Bundle or one resource), or up to `LINES` lines of NDJSON. Files may be
gzip-compressed; memory is bounded by the largest piece, whatever the file claims.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

from careplane.kernel.errors import CareplaneError, Incorrect, Malformed, TooLarge

LINES = 1000
LARGEST = 256_000_000
_MAGIC = b"\x1f\x8b"
_READ = 1 << 20

Format = Literal["json", "xml", "ndjson"]
_FORMATS: dict[str, Format] = {
    ".json": "json",
    ".xml": "xml",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes to store as one unit. `line` is the number of the first line, from 1, for NDJSON."""

    path: Path
    format: Format
    data: bytes
    line: int = 1


def find(paths: list[Path]) -> Iterator[Path]:
    """The files named, and those below folders whose names say that they hold resources."""
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.is_file() and format_of(p))
        elif path.exists():
            yield path
        else:
            raise Incorrect(f"{path} does not exist.")


def format_of(path: Path) -> Format | None:
    """By the name: `.json`, `.xml`, `.ndjson`, `.jsonl`, any of them with `.gz`; None otherwise."""
    suffixes = [s.lower() for s in path.suffixes if s.lower() != ".gz"]
    return _FORMATS.get(suffixes[-1]) if suffixes else None


def pieces(path: Path) -> Iterator[Piece]:
    """The pieces of one file, read as they are asked for. A file whose name does not tell its
    format is taken as JSON."""
    format = format_of(path) or "json"
    try:
        with _open(path) as file:
            if format == "ndjson":
                yield from _lines(path, file)
            else:
                yield Piece(path, format, _whole(file))
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> CareplaneError:
    if isinstance(error, OSError) and error.strerror:
        return Incorrect(f"The file cannot be read: {error.strerror}.")
    return Malformed("The file is no whole gzip file.")


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == _MAGIC
    return cast(IO[bytes], gzip.open(path, "rb")) if packed else path.open("rb")


def _whole(file: IO[bytes]) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := file.read(_READ):
        size += len(part)
        if size > LARGEST:
            raise TooLarge(f"The file has more than {LARGEST // 1_000_000} MB; use NDJSON.")
        parts.append(part)
    return b"".join(parts)


def _lines(path: Path, file: IO[bytes]) -> Iterator[Piece]:
    kept: list[bytes] = []
    size, first = 0, 1
    for number, line in enumerate(_each_line(file), 1):
        kept.append(line)
        size += len(line)
        if len(kept) == LINES or size > LARGEST // 16:
            yield Piece(path, "ndjson", b"".join(kept), first)
            kept, size, first = [], 0, number + 1
    if kept:
        yield Piece(path, "ndjson", b"".join(kept), first)


def _each_line(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(LARGEST // 16 + 1):
        if len(line) > LARGEST // 16:
            raise TooLarge(f"A line has more than {LARGEST // 16_000_000} MB.")
        yield line
