"""Backup and restore of an installation: a copy that appears whole or not at all, with a manifest
that says what is in it, and a seal by which the manifest is known to be ours.

The copy is encrypted. The key is left out unless it is asked for: whoever has both has everything.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from careplane import __version__
from careplane.app import keys
from careplane.app.keys import Keys
from careplane.kernel.errors import Conflict, Fault, Incorrect, NotFound
from careplane.storage.keys.erasures import NAME as ERASURES
from careplane.storage.ports.backup import Contents, Vault

MANIFEST = "manifest.json"
_FORMAT = 1
_OTHER_ENGINE = {
    "sqlite": "This backup is of a database: name an empty one with --database.",
    "postgres": "This backup is of a data folder: leave --database out, and migrate it afterwards.",
}


class Manifest(Struct, frozen=True):
    """`files` are SHA-256 sums by name; `seal` is an HMAC of all the rest under a key of the data
    folder's."""

    format: int
    careplane: str
    made: str
    engine: str
    contents: Contents
    files: dict[str, str]
    seal: str = ""

    def sealed(self, key: Keys) -> Manifest:
        """The same, with its seal."""
        open = msgspec.structs.replace(self, seal="")
        data = msgspec.json.encode(open, order="deterministic")
        seal = hmac.digest(key.derive("backup"), data, "sha256").hex()
        return msgspec.structs.replace(self, seal=seal)


def backup(vault: Vault, key: Keys, target: Path, made: str, *, with_key: bool) -> Manifest:
    """Copy what may be in use. Raises Conflict where something is there already."""
    with _appearing(target) as folder:
        vault.copy(folder)
        contents = vault.contents(folder)
        files = {path.name: _sum(path) for path in sorted(folder.iterdir())}
        manifest = Manifest(_FORMAT, __version__, made, vault.engine, contents, files).sealed(key)
        _write(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        if with_key:
            keys.write(folder, key)
    return manifest


def restore(vault: Vault, key: Keys, source: Path, target: Path, erasures: Path) -> Manifest:
    """Make an installation of a backup: a data folder, which has the key alone where the records go
    to a database. Raises Conflict where the folder has something in it, Incorrect for a backup of
    another key or engine, Fault where the copy is not what was saved."""
    manifest = _manifest(source)
    if not hmac.compare_digest(manifest.seal, manifest.sealed(key).seal):
        raise Incorrect("This key is not that of the backup, or its manifest was changed.")
    if manifest.engine != vault.engine:
        raise Incorrect(_OTHER_ENGINE[vault.engine])
    with _appearing(target) as folder:
        _compare(source, manifest.files)
        contents = vault.restore(source, folder)
        _compare(folder, {n: sum for n, sum in manifest.files.items() if (folder / n).exists()})
        if contents != manifest.contents:
            raise Fault("The backup does not hold what its manifest says: use another backup.")
        keys.write(folder, key)
        if erasures.exists():  # it is in no backup, so that it knows of what came later
            _write(folder / ERASURES, erasures.read_bytes())
    return manifest


def _compare(folder: Path, sums: Mapping[str, str]) -> None:
    for name, sum in sums.items():
        if not (folder / name).exists():
            raise Fault(f"{name} of the backup is missing: use another backup.")
        if _sum(folder / name) != sum:
            raise Fault(f"{name} of the backup is damaged: use another backup.")


def _manifest(folder: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise NotFound(f"{folder} is no backup: it has no {MANIFEST}.") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise Incorrect(f"{folder / MANIFEST} cannot be read.") from error
    if manifest.format != _FORMAT or any(Path(name).name != name for name in manifest.files):
        raise Incorrect(f"{folder / MANIFEST} is of a newer Careplane: update this one.")
    return manifest


@contextmanager
def _appearing(target: Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of `target` when all is in it and safe."""
    target = target.absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Conflict(f"{target} is not empty: name another folder.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise Incorrect(f"{target.parent} cannot be written to: {error.strerror}.") from error
    try:
        yield folder
        for path in folder.iterdir():
            _settle(path)
        _settle(folder)
        folder.rename(target)
        _settle(target.parent)
    except OSError as error:
        raise Fault(f"{target} cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, data: bytes) -> None:
    path.touch(0o600)
    path.write_bytes(data)


def _settle(path: Path) -> None:
    """On the disk, not only on the way there."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
