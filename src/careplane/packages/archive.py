"""Reading a package: a tar file in gzip that somebody else made (FHIR NPM packages).

Nothing of it is written to a disk under a name that it gives, and no more of it is held than one
file. How much may be in it is bounded before anything is believed that it says of itself: bytes as
they are unpacked, files, the length of one.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from careplane.kernel.errors import Incorrect, Malformed, TooLarge
from careplane.packages import tar
from careplane.packages.manifest import MOST_BYTES, Manifest, read

MANIFEST = "package/package.json"
_FOLDER = "package/"


class Limits(NamedTuple):
    """What a package may have. The largest that are published stay well below."""

    packed: int = 256 << 20
    unpacked: int = 2 << 30
    file: int = 64 << 20
    files: int = 50_000


LIMITS = Limits()


class File(NamedTuple):
    """A file of the package folder that may be a resource."""

    name: str
    data: bytes


def manifest_of(path: Path, limits: Limits = LIMITS) -> Manifest:
    """What a package says of itself, once all of it has been looked at. Raises Malformed for what
    is no package, TooLarge for one beyond the limits, Incorrect for one that this server does not
    take."""
    found = [data for name, data in _files(path, limits, MANIFEST.__eq__)]
    if not found:
        raise Malformed(f"{path.name} is no FHIR package: it has no {MANIFEST}.")
    if len(found[0]) > MOST_BYTES:
        raise TooLarge(f"{MANIFEST} of {path.name} has more than {MOST_BYTES:,} bytes.")
    try:
        return read(found[0])
    except Malformed as error:
        raise Malformed(f"{MANIFEST} of {path.name} is not JSON: {error.text}") from None


def files_of(path: Path, limits: Limits = LIMITS) -> Iterator[File]:
    """The JSON files of the package folder itself, one at a time; the same errors."""
    for name, data in _files(path, limits, _may_be_resource):
        yield File(name.removeprefix(_FOLDER), data)


def _may_be_resource(name: str) -> bool:
    inner = name.removeprefix(_FOLDER)
    plain = inner != name and "/" not in inner and not inner.startswith(".")
    return plain and inner.endswith(".json") and name != MANIFEST


def _files(
    path: Path, limits: Limits, wanted: Callable[[str], bool]
) -> Iterator[tuple[str, bytes]]:
    try:
        if path.stat().st_size > limits.packed:
            raise TooLarge(f"{path.name} has more than {limits.packed:,} bytes.")
        with gzip.open(path) as source:
            unpacked = 0

            def read(size: int) -> bytes:
                nonlocal unpacked
                unpacked += size
                if unpacked > limits.unpacked:
                    raise TooLarge(
                        f"{path.name} has more than {limits.unpacked:,} bytes when it is unpacked."
                    )
                return source.read(size)

            yield from tar.files(read, tar.Limits(limits.files, limits.file), wanted)
    except (gzip.BadGzipFile, zlib.error):
        raise Malformed(f"{path.name} is no FHIR package: it is not a tar file in gzip.") from None
    except EOFError:
        raise Malformed(f"{path.name} is not whole: it ends too early.") from None
    except OSError as error:
        raise Incorrect(f"{path} cannot be read: {error.strerror}.") from None
