"""All artifacts that there are, as of one moment: those of packages, and of R4 itself.

A canonical URL without version means one artifact. Types of R4 are always R4's own. Otherwise
packages that an operator asked for come first, then what these depend on, then R4; among them the
newest version of the artifact, and of it the one in the newest package. With a version it means
that one, or the newest that begins with it (`6.1` means `6.1.0`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from careplane.fhir.definitions import core
from careplane.packages.filing import Header
from careplane.packages.manifest import CORE, CORE_VERSION, Manifest
from careplane.packages.versions import Key, is_release, order

R4 = Manifest(
    CORE, CORE_VERSION, "FHIR R4", canonical="http://hl7.org/fhir", fhir_versions=(CORE_VERSION,)
)


class Installed(NamedTuple):
    """A package that is here. `pins`: the version that was chosen for each dependency. `lacks`:
    dependencies that are not here. `built_in`: R4 itself, which comes with the program."""

    manifest: Manifest
    asked: bool
    added: int
    pins: Mapping[str, str]
    lacks: Sequence[str] = ()
    built_in: bool = False

    @property
    def id(self) -> str:
        """`name#version`."""
        return f"{self.manifest.name}#{self.manifest.version}"


class Entry(NamedTuple):
    """An artifact in its package; `number` in the store, 0 for those of R4."""

    package: Installed
    header: Header
    number: int


class Catalogue:
    """`packages` by id."""

    def __init__(self, packages: Mapping[str, Installed], entries: Iterable[Entry]) -> None:
        self.packages: Mapping[str, Installed] = {_R4.id: _R4, **packages}
        self.entries: Sequence[Entry] = tuple(entries)

    def find(self, type: str, canonical: str) -> Entry | None:
        """The one that a canonical means, perhaps with a version; None where there is none."""
        url, _, version = canonical.partition("|")
        found = self._by_url.get((type, url), ())
        if not version:
            return found[0] if found else None
        exact = [entry for entry in found if _version(entry) == version]
        begun = [entry for entry in found if _version(entry).startswith(f"{version}.")]
        return next(iter(exact or begun), None)

    def versions(self, type: str, url: str) -> Sequence[Entry]:
        """All artifacts of a type with a canonical URL, the one that it means first."""
        return self._by_url.get((type, url), ())

    def of(self, url: str) -> Sequence[Entry]:
        """All artifacts with a canonical URL, of whatever type."""
        return [entry for type in self._types for entry in self.versions(type, url)]

    def within(self, package: str) -> Sequence[Entry]:
        """The artifacts of a package, by type and name."""
        return self._by_package.get(package, ())

    def current(self, type: str) -> Iterator[Entry]:
        """Of a type, the artifact that each URL means, by URL."""
        for kind, url in sorted(self._by_url):
            if kind == type:
                yield self._by_url[kind, url][0]

    def search(
        self, text: str = "", type: str = "", kind: str = "", package: str = ""
    ) -> Sequence[Entry]:
        """The artifacts that a person may mean: every word is in title, name, id or URL. Those
        whose title begins with the text come first. `kind` see `Header`, `package` by id."""
        words = text.casefold().split()
        found = [
            entry
            for entry in (self.within(package) if package else self._all)
            if type in ("", entry.header.type)
            and kind in ("", entry.header.kind)
            and all(word in _searched(entry) for word in words)
        ]
        begun = text.casefold().strip()
        found.sort(key=lambda e: (not _called(e).startswith(begun), _called(e), e.header.url))
        return found

    def numbered(self, number: int) -> Entry | None:
        """The artifact of a number of the store."""
        return self._by_number.get(number)

    @cached_property
    def _all(self) -> Sequence[Entry]:
        return (*self.entries, *_core())

    @cached_property
    def _by_url(self) -> Mapping[tuple[str, str], Sequence[Entry]]:
        found: dict[tuple[str, str], list[Entry]] = {}
        for entry in self._all:
            found.setdefault((entry.header.type, entry.header.url), []).append(entry)
        for entries in found.values():
            entries.sort(key=_rank, reverse=True)
        return found

    @cached_property
    def _by_package(self) -> Mapping[str, Sequence[Entry]]:
        found: dict[str, list[Entry]] = {}
        for entry in self._all:
            found.setdefault(entry.package.id, []).append(entry)
        for entries in found.values():
            entries.sort(key=lambda e: (e.header.type, e.header.title or e.header.name))
        return found

    @cached_property
    def _by_number(self) -> Mapping[int, Entry]:
        return {entry.number: entry for entry in self.entries}

    @cached_property
    def _types(self) -> Sequence[str]:
        return sorted({type for type, _ in self._by_url})


_R4 = Installed(R4, asked=False, added=0, pins={}, built_in=True)


def _called(entry: Entry) -> str:
    return (entry.header.title or entry.header.name or entry.header.id).casefold()


def _searched(entry: Entry) -> str:
    h = entry.header
    return f"{h.title}\n{h.name}\n{h.id}\n{h.url}".casefold()


def _version(entry: Entry) -> str:
    return entry.header.version or entry.package.manifest.version


def _rank(entry: Entry) -> Key:
    package, header = entry.package, entry.header
    own = package.built_in and header.kind == "type"
    place = (package.asked, not package.built_in)
    release = is_release(package.manifest.version)
    return (own, *place, release, order(_version(entry)), order(package.manifest.version))


def _core() -> Iterator[Entry]:
    for type, group in core.r4().index.items():
        for url, place in group.items():
            header = Header(
                type, url, place.version, url.rpartition("/")[2], place.name, place.title,
                place.status, place.of, place.kind, "", place.length,
            )  # fmt: skip
            yield Entry(_R4, header, 0)
