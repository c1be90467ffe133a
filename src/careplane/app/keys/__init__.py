"""The key file of a data folder, and the keys derived from it.

`careplane init` writes 32 random bytes, the root; every key in use is HKDF-Expand (RFC 5869) of it
under a name of its own, so that no key can be computed from another. The file holds the root as it
is, readable by its owner alone, or wrapped by a provider, and says by which.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from msgspec import Struct

from careplane.app.keys.providers import provider_of
from careplane.kernel.errors import Conflict, NotFound

NAME = "careplane.key"
_LENGTH = 32


class _Wrapped(Struct, frozen=True):
    """What the file holds where a provider has wrapped the root."""

    provider: str
    wrapped: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """One root, many keys. `kept`: the root as the key file has it, where it stands in one."""

    root: bytes
    kept: bytes = field(default=b"", compare=False)

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose: `store`, `tokens`, `client-secrets`, `sessions`, `bulk`,
        `ledger-leaves`, `ledger-signing`, `pseudonyms`, `id-tokens`, `consent`,
        `people`, `challenges`, `devices`, `health-links`, `health-link-passcodes`,
        `health-cards`, `notes`, `visits`, `livekit-rooms`."""
        return HKDFExpand(SHA256(), _LENGTH, f"careplane/{purpose}/1".encode()).derive(self.root)


def create(folder: Path, provider: str = "") -> Keys:
    """Make a data folder with a new key, wrapped by a provider where one is named. Raises Conflict
    if it has one, Incorrect or Fault for a provider that cannot be used."""
    if (folder / NAME).exists():
        raise _there(folder)
    made = wrapped(secrets.token_bytes(_LENGTH), provider)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write(folder, made)
    return made


def wrapped(root: bytes, provider: str) -> Keys:
    """A root as a provider keeps it; empty: as it is."""
    if not provider or provider == "file:":
        return Keys(root, root.hex().encode() + b"\n")
    by = provider_of(provider)
    kept = _Wrapped(provider, by.wrap(root))
    return Keys(root, msgspec.json.format(msgspec.json.encode(kept)) + b"\n")


def write(folder: Path, keys: Keys) -> None:
    """Put a key into a folder that has none; `Conflict` if it has one."""
    try:
        handle = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise _there(folder) from None
    _fill(handle, keys)


def replace(folder: Path, keys: Keys) -> None:
    """Put a key in the place of the one that is there, which is the same root kept otherwise."""
    new = folder / f"{NAME}.new"
    new.unlink(missing_ok=True)
    _fill(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), keys)
    new.replace(folder / NAME)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def load(folder: Path) -> Keys:
    """The key of a data folder; `NotFound` says how to make one, `Fault` that its provider does not
    answer."""
    path = folder / NAME
    if not path.exists():
        raise NotFound(f"{folder} is no data folder yet; run: careplane init --data {folder}")
    return read(path)


def read(path: Path) -> Keys:
    """The key in a file; `NotFound` where there is none."""
    try:
        kept = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"There is no key at {path}; name the file that holds it.") from None
    except OSError as error:
        raise NotFound(f"{path} cannot be read as a key; restore it from your backup.") from error
    root = _root(path, kept)
    if len(root) != _LENGTH:
        raise NotFound(f"{path} does not hold {_LENGTH} bytes; restore it from your backup.")
    return Keys(root, kept)


def provider_in(keys: Keys) -> str:
    """The address of the provider that keeps a root; `file:` for none."""
    if not keys.kept.startswith(b"{"):
        return "file:"
    return msgspec.json.decode(keys.kept, type=_Wrapped).provider


def _root(path: Path, kept: bytes) -> bytes:
    try:
        if not kept.startswith(b"{"):
            return bytes.fromhex(kept.decode().strip())
        found = msgspec.json.decode(kept, type=_Wrapped)
    except (ValueError, msgspec.MsgspecError) as error:
        raise NotFound(f"{path} cannot be read as a key; restore it from your backup.") from error
    return provider_of(found.provider).unwrap(found.wrapped)


def _fill(handle: int, keys: Keys) -> None:
    with os.fdopen(handle, "wb") as file:
        file.write(keys.kept)
        file.flush()
        os.fsync(file.fileno())


def _there(folder: Path) -> Conflict:
    return Conflict(f"{folder} is a data folder already: it has a {NAME}.")
