"""Between rows and `Version` values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from careplane.storage.keys.bodies import SealedBodies
from careplane.storage.ports.records import Method, Tenant, Version

METHODS: tuple[Method, ...] = ("POST", "PUT", "DELETE", "PATCH")
COLUMNS = "r.type, r.id, v.version, v.updated, v.form, v.body, v.t"
"""What a Version is made of, of resource r and version v."""


def form_of(method: Method, dictionary: int) -> int:
    """The column `form`."""
    return dictionary * 4 + METHODS.index(method)


def to_version(row: Sequence[Any], bodies: SealedBodies, tenant: Tenant) -> Version:
    """A row that begins with COLUMNS, of a tenant; the key of its body is in the ring."""
    type, id, version, updated, form, body, t = row[:7]
    rest = bodies.unpack(tenant, type, id, version, form, body)
    return Version(type, id, version, updated * 1000, METHODS[form & 3], rest, t)


def to_versions(
    rows: Iterable[Sequence[Any]], bodies: SealedBodies, tenant: Tenant
) -> tuple[Version, ...]:
    return tuple([to_version(row, bodies, tenant) for row in rows])
