"""A package server: which versions of a package there are, and the package itself (the protocol of
packages.fhir.org, which is that of an npm registry)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from careplane.fhir.codec import json
from careplane.kernel.errors import Incorrect, Malformed, NotFound
from careplane.packages.archive import LIMITS
from careplane.packages.manifest import check_name
from careplane.packages.versions import LATEST, newest

_MOST_LISTING = 16 << 20
_PIECE = 1 << 20


class Fetch(Protocol):
    """Who asks other hosts. Raises NotFound for what is not there, TooLarge beyond `most` bytes,
    Busy where nobody answers."""

    async def read(self, url: str, most: int) -> bytes:
        """What is there."""

    async def save(self, url: str, to: Path, most: int) -> None:
        """Write it to a file."""


class PackageServer:
    """The server at an address."""

    def __init__(self, address: str, fetch: Fetch) -> None:
        self.address = address.rstrip("/")
        self._fetch = fetch

    async def download(self, name: str, wanted: str, folder: Path) -> Path:
        """The newest version of a package that a range asks for, as a file in `folder`. Raises
        NotFound where there is none, Malformed where it is not what the server announced."""
        listing = await self._listing(name)
        version = _version(listing, wanted)
        if version is None:
            raise NotFound(f"{self.address} has no {name} {wanted}.")
        announced = _object(_object(listing.get("versions")).get(version)).get("dist")
        dist = _object(announced)
        file = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.tgz"
        await self._fetch.save(self._place(name, version, dist), file, LIMITS.packed)
        if not _is_as_announced(file, dist):
            file.unlink()
            raise Malformed(f"{name} {version} from {self.address} is not what it announces.")
        return file

    async def _listing(self, name: str) -> dict[str, Any]:
        url = f"{self.address}/{quote(check_name(name), safe='@')}"
        try:
            return json.parse(await self._fetch.read(url, _MOST_LISTING))
        except Malformed as error:
            raise Malformed(f"{self.address} lists {name} in a way that cannot be read.") from error
        except NotFound:
            raise NotFound(f"{self.address} has no package {name}.") from None

    def _place(self, name: str, version: str, dist: dict[str, Any]) -> str:
        """Where the file is: where the listing says, if that is on the same server."""
        said = dist.get("tarball")
        if isinstance(said, str) and _origin(said) == _origin(self.address):
            return said
        return f"{self.address}/{quote(name, safe='@')}/{quote(version)}"


def _version(listing: dict[str, Any], wanted: str) -> str | None:
    latest = _object(listing.get("dist-tags")).get(LATEST)
    versions = list(_object(listing.get("versions")))
    if wanted == LATEST and latest in versions:
        return str(latest)
    return newest(versions, wanted)


def _is_as_announced(file: Path, dist: dict[str, Any]) -> bool:
    integrity, shasum = dist.get("integrity"), dist.get("shasum")
    if isinstance(integrity, str) and integrity.startswith("sha512-"):
        try:
            expected = base64.b64decode(integrity[7:], validate=True)
        except binascii.Error:
            return False
        return _digest(file, "sha512") == expected
    if isinstance(shasum, str) and shasum:
        return _digest(file, "sha1").hex() == shasum.lower()
    return True


def _digest(file: Path, kind: str) -> bytes:
    sum = hashlib.new(kind, usedforsecurity=False)
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            sum.update(piece)
    return sum.digest()


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.netloc
    except ValueError:
        return "", ""


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def host_of(address: str) -> str:
    """The host of a server's address. Raises Incorrect for what can be no such address."""
    scheme, host = _origin(address)
    if scheme not in ("https", "http") or not host or "@" in host:
        raise Incorrect("The address of a package server is such as https://packages.fhir.org.")
    return urlsplit(address).hostname or host
