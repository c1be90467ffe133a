"""The key file of a data folder, and the keys derived from it.

`careplane init` writes 32 random bytes; every key in use is HKDF-Expand (RFC 5869) of them under a
name of its own, so that no key can be computed from another.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from careplane.kernel.errors import Conflict, NotFound

NAME = "careplane.key"
_LENGTH = 32


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """One root, many keys."""

    root: bytes

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose: `store`, `tokens`, `client-secrets`, `sessions`, `bulk`,
        `people`, `challenges`, `devices`."""
        return HKDFExpand(SHA256(), _LENGTH, f"careplane/{purpose}/1".encode()).derive(self.root)


def create(folder: Path) -> Keys:
    """Make a data folder with a new key; `Conflict` if it has one."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = Keys(secrets.token_bytes(_LENGTH))
    write(folder, made)
    return made


def write(folder: Path, keys: Keys) -> None:
    """Put a key into a folder that has none; `Conflict` if it has one."""
    try:
        handle = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict(f"{folder} is a data folder already: it has a {NAME}.") from None
    with os.fdopen(handle, "wb") as file:
        file.write(keys.root.hex().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def load(folder: Path) -> Keys:
    """The key of a data folder; `NotFound` says how to make one."""
    path = folder / NAME
    if not path.exists():
        raise NotFound(f"{folder} is no data folder yet; run: careplane init --data {folder}")
    return read(path)


def read(path: Path) -> Keys:
    """The key in a file; `NotFound` where there is none."""
    try:
        root = bytes.fromhex(path.read_text().strip())
    except FileNotFoundError:
        raise NotFound(f"There is no key at {path}; name the file that holds it.") from None
    except (OSError, ValueError) as error:
        raise NotFound(f"{path} cannot be read as a key; restore it from your backup.") from error
    if len(root) != _LENGTH:
        raise NotFound(f"{path} does not hold {_LENGTH} bytes; restore it from your backup.")
    return Keys(root)
