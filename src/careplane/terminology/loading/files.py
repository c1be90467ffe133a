"""The files of a release: a folder, a zip archive, or one file by itself. Read line by line."""

from __future__ import annotations

import csv
import fnmatch
import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from careplane.kernel.errors import Incorrect, NotFound
from careplane.terminology.loading.release import refused

_MOST_FILES = 100_000
_LONGEST = 1 << 20
"""Bytes of a line."""
_FIELD = 1 << 20


class Files:
    """What is at a path. Nothing is unpacked to the disk: files of an archive are read in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._names = _names(path)
        except FileNotFoundError:
            raise NotFound(f"There is nothing at {path}.") from None
        except (OSError, zipfile.BadZipFile) as error:
            raise Incorrect(f"{path} cannot be read: {error}.") from error

    @property
    def name(self) -> str:
        """What the folder, archive or file is called."""
        return self._path.resolve().name

    def find(self, pattern: str) -> str:
        """The one file whose name is like the pattern (`sct2_Concept_Snapshot_*.txt`), wherever it
        stands. Raises NotFound for none, Incorrect for several."""
        found = self.all(pattern)
        if not found:
            raise NotFound(f"{self._path} has no file {pattern}.")
        if len(found) > 1:
            raise Incorrect(f"{self._path} has several files {pattern}: name a folder with one.")
        return found[0]

    def all(self, pattern: str) -> Sequence[str]:
        """All such files, in order of their names."""
        wanted = pattern.lower()
        return [
            name
            for name in self._names
            if fnmatch.fnmatchcase(PurePosixPath(name).name.lower(), wanted)
        ]

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A file to be read from its begin."""
        try:
            if self._path.is_dir():
                with (self._path / name).open("rb") as file:
                    yield file
            elif zipfile.is_zipfile(self._path):
                with zipfile.ZipFile(self._path) as archive, archive.open(name) as file:
                    yield file
            else:
                with self._path.open("rb") as file:
                    yield file
        except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise Incorrect(f"{name} cannot be read: {error}.") from error

    def lines(self, name: str, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
        """Lines of a text, numbered from 1, without their ends; empty ones are left out."""
        with self.open(name) as file:
            for number, raw in enumerate(_bounded(file, name), 1):
                if number == 1:
                    raw = raw.removeprefix(b"\xef\xbb\xbf")
                try:
                    text = raw.decode(encoding).rstrip("\r\n")
                except UnicodeDecodeError:
                    raise refused(name, number, f"this is no {encoding.upper()}.") from None
                if text:
                    yield number, text

    def table(
        self, name: str, wanted: Sequence[str], *, separator: str = "\t"
    ) -> Iterator[tuple[int, list[str]]]:
        """Some columns of a table without quotes that has their names in its first line, such as
        RF2's. Raises Invalid where one is missing, or a line has another number of columns."""
        lines = self.lines(name)
        _, first = next(lines, (1, ""))
        titles = first.split(separator)
        at = _columns(titles, wanted, name)
        for number, line in lines:
            values = line.split(separator)
            if len(values) != len(titles):
                text = f"{len(titles)} columns are expected, and here are {len(values)}."
                raise refused(name, number, text)
            yield number, [values[place] for place in at]

    def records(
        self,
        name: str,
        wanted: Sequence[str],
        *,
        optional: Sequence[str] = (),
        separator: str = ",",
    ) -> Iterator[tuple[int, list[str]]]:
        """The same for a table with quotes (RFC 4180). Of a column that may be missing the values
        are empty then."""
        before = csv.field_size_limit(_FIELD)
        try:
            with self.open(name) as file:
                text = io.TextIOWrapper(file, "utf-8-sig", newline="")
                yield from _records(csv.reader(text, delimiter=separator), name, wanted, optional)
        finally:
            csv.field_size_limit(before)

    def titles(self, name: str, *, separator: str = ",") -> list[str]:
        """The names of the columns of a table."""
        _, first = next(self.lines(name), (1, ""))
        return next(csv.reader([first], delimiter=separator), [])


def _names(path: Path) -> list[str]:
    if path.is_dir():
        found = [p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file()]
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            found = [name for name in archive.namelist() if not name.endswith("/")]
    else:
        path.stat()
        found = [path.name]
    if len(found) > _MOST_FILES:
        raise Incorrect(f"{path} has more than {_MOST_FILES:,} files: name what is to be loaded.")
    return sorted(name for name in found if not PurePosixPath(name).name.startswith("."))


def _bounded(file: IO[bytes], name: str) -> Iterator[bytes]:
    number = 0
    while line := file.readline(_LONGEST):
        number += 1
        if len(line) == _LONGEST:
            raise refused(name, number, f"the line has more than {_LONGEST:,} bytes.")
        yield line


def _records(
    rows: Iterator[list[str]], name: str, wanted: Sequence[str], optional: Sequence[str]
) -> Iterator[tuple[int, list[str]]]:
    number = 1
    try:
        titles = [title.strip() for title in next(rows, [])]
        at = _columns(titles, wanted, name)
        more = [titles.index(title) if title in titles else None for title in optional]
        for number, values in enumerate(rows, 2):
            if not any(values):
                continue
            if len(values) != len(titles):
                text = f"{len(titles)} columns are expected, and here are {len(values)}."
                raise refused(name, number, text)
            yield (
                number,
                [values[place] for place in at]
                + ["" if place is None else values[place] for place in more],
            )
    except UnicodeDecodeError:
        raise refused(name, number + 1, "this is no UTF-8.") from None
    except csv.Error as error:
        raise refused(name, number + 1, f"{error}.") from error


def _columns(titles: Sequence[str], wanted: Sequence[str], name: str) -> list[int]:
    missing = [title for title in wanted if title not in titles]
    if missing:
        raise refused(name, 1, f"there is no column {missing[0]}.")
    return [titles.index(title) for title in wanted]
