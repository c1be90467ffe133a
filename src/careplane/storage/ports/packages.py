"""The port to packages of definitions, each stored once for all tenants.

A package is the artifacts (conformance resources) of one version, which never change: they are
added all at once or not at all, and go as a whole. What the bytes mean is the business of whoever
puts them here. Raises `Busy`, `Full` or `Fault`, and nothing else of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct


class Package(Struct, frozen=True):
    """A package that is here. `asked`: an operator wanted it, it is not only what another one
    needs. `added` is in microseconds since 1970. `manifest` is what it says of itself, `pins` which
    version of each dependency was chosen, both as JSON."""

    name: str
    version: str
    asked: bool
    added: int
    manifest: bytes
    pins: bytes = b"{}"


class Artifact(Struct, frozen=True):
    """One artifact: what a list says of it, its content, and the URLs that it refers to."""

    header: bytes
    body: bytes
    uses: Sequence[str] = ()


class Filed(Struct, frozen=True):
    """The header of an artifact in its package. `number` is never given twice."""

    number: int
    name: str
    version: str
    header: bytes


class PackageStore(Protocol):
    """All packages of an installation."""

    async def epoch(self) -> int:
        """A number that rises with every change; 0 where there was none yet."""

    async def packages(self) -> Sequence[Package]:
        """All of them, by name and version."""

    async def add(self, package: Package, batches: Iterable[Sequence[Artifact]]) -> bool:
        """Take a package, drawing its artifacts batch by batch, perhaps in another thread. False
        where it is here already: nothing is changed then."""

    async def mark(self, name: str, version: str, *, asked: bool, pins: bytes) -> bool:
        """Change why it is here and what was chosen for it; whether it is here."""

    async def remove(self, name: str, version: str) -> bool:
        """Remove it with its artifacts; whether it was here."""

    async def headers(self, after: int = 0, count: int = 1000) -> Sequence[Filed]:
        """Of all artifacts, in the order of their numbers, from behind `after`."""

    async def body(self, number: int) -> bytes | None:
        """The content of an artifact, None where it is gone."""

    async def users(self, url: str) -> Sequence[int]:
        """The numbers of artifacts that refer to a URL, in order."""

    async def close(self) -> None:
        """Let go of everything."""
