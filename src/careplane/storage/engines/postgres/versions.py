"""Between rows and `Version` values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from careplane.storage.bodies import Bodies
from careplane.storage.ports.records import Method, Version

METHODS: tuple[Method, ...] = ("POST", "PUT", "DELETE", "PATCH")
COLUMNS = "r.type, r.id, v.version, v.updated, v.form, v.body, v.t"
"""What a Version is made of, of resource r and version v."""


def form_of(method: Method, dictionary: int) -> int:
    """The column `form`."""
    return dictionary * 4 + METHODS.index(method)


def to_version(row: Sequence[Any], bodies: Bodies) -> Version:
    """A row that begins with COLUMNS."""
    type, id, version, updated, form, body, t = row[:7]
    return Version(
        type, id, version, updated * 1000, METHODS[form & 3], bodies.unpack(form >> 2, body), t
    )


def to_versions(rows: Iterable[Sequence[Any]], bodies: Bodies) -> tuple[Version, ...]:
    return tuple([to_version(row, bodies) for row in rows])
