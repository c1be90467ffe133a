"""What a record refers to outside of itself: who gave the care, where, with what.

It is followed a few steps (a PractitionerRole to its Practitioner) and never into a compartment of
the same kind. What a page has shown is marked in its next link, so that it comes once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from careplane.access.caller import Caller
from careplane.records import fetch
from careplane.records.parts import Parts
from careplane.records.results import Version
from careplane.search.compartments import compartment_types
from careplane.storage.ports.records import Key

_STEPS = 3
_MARKED = 200
"""Marks that a link carries; more would make it longer than what servers take."""
_BINARY = re.compile(rb'"(?:[^"\\]{1,200}/)?Binary/([A-Za-z0-9.-]{1,64})"')


class Wanted(Struct, frozen=True):
    """Around which resource (or all of a type), of which types (none: all), changed since when."""

    type: str
    id: str | None
    types: frozenset[str] = frozenset()
    since: int | None = None


def mark(version: Version) -> bytes:
    """Stands for a resource in a next link."""
    return hashlib.blake2b(f"{version.type}/{version.id}".encode(), digest_size=8).digest()


def told(shown: frozenset[bytes], versions: Iterable[Version]) -> frozenset[bytes]:
    """The marks with those of this page, as many as there is room for."""
    room = max(_MARKED - len(shown), 0)
    return shown | frozenset(list(map(mark, versions))[:room])


async def around(
    parts: Parts, caller: Caller, wanted: Wanted, versions: Sequence[Version]
) -> list[Version]:
    """What these versions refer to."""
    inside = compartment_types(wanted.type)
    if wanted.types and wanted.type == "Patient" and wanted.types <= inside:
        return []
    seen: set[Key] = {(v.type, v.id) for v in versions}
    found: list[Version] = []
    last: Sequence[Version] = versions
    for _ in range(_STEPS):
        keys = {k for v in last for k in _targets(parts, v) if _is_outside(wanted, inside, k)}
        last = await fetch.by_keys(parts, caller, keys - seen) if keys - seen else ()
        seen |= keys
        found += last
        if not last:
            break
    return [v for v in found if _is_wanted(wanted, v) and not _is_someones(parts, v)]


def _targets(parts: Parts, version: Version) -> Iterable[Key]:
    for row in parts.links(version).references:
        yield row.type, row.id
    if b"Binary/" in version.rest:  # the address of an attachment, which is no reference
        for match in _BINARY.finditer(version.rest):
            yield "Binary", match[1].decode()


def _is_outside(wanted: Wanted, inside: frozenset[str], key: Key) -> bool:
    # A patient's record holds what is in the compartment once, on the page where it stands; other
    # patients are no part of it. An encounter's record needs its patient.
    if wanted.type == "Patient":
        return key[0] == "Binary" or key[0] not in inside
    return key != (wanted.type, wanted.id)


def _is_someones(parts: Parts, version: Version) -> bool:
    """A file in the compartment of a patient: it stands on a page of that one's record."""
    return version.type == "Binary" and bool(parts.links(version).references)


def _is_wanted(wanted: Wanted, version: Version) -> bool:
    if wanted.types and version.type not in wanted.types:
        return False
    return wanted.since is None or version.last_updated >= wanted.since
