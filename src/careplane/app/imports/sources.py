"""Files and folders to pieces. Files may be gzip-compressed."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from careplane.app.imports.journal import Report
from careplane.interop.bulk.loading.loader import Failure
from careplane.interop.bulk.loading.pieces import LARGEST, Cutter, Format, Piece
from careplane.kernel.errors import CareplaneError, Incorrect, Malformed, TooLarge

_MAGIC = b"\x1f\x8b"
_READ = 1 << 20
_FORMATS: dict[str, Format] = {
    ".json": "json",
    ".xml": "xml",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
}


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


async def all_pieces(paths: Iterable[Path], report: Report) -> AsyncIterator[Piece]:
    """The pieces of all files; one that cannot be read is reported and does not stop the rest."""
    for path in paths:
        try:
            for piece in pieces(path):
                yield piece
        except CareplaneError as error:
            report.failures.append((str(path), Failure("", error)))


def pieces(path: Path) -> Iterator[Piece]:
    """The pieces of one file, read as they are asked for. A file whose name does not tell its
    format is taken as JSON."""
    format = format_of(path) or "json"
    try:
        with _open(path) as file:
            if format == "ndjson":
                yield from _lines(path, file)
            else:
                yield Piece(str(path), format, _whole(file))
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
    cutter = Cutter(str(path))
    while data := file.read(_READ):
        yield from cutter.feed(data)
    yield from cutter.end()
