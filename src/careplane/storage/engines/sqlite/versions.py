"""Between rows of the table `version` and `Version` values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from careplane.storage.engines.sqlite.compact import expand
from careplane.storage.engines.sqlite.known import Lookup
from careplane.storage.ports.records import Method, Tenant, Version

Row: TypeAlias = tuple[Any, ...]
Unpack: TypeAlias = Callable[[Tenant, str, str, int, int, bytes], bytes]
"""Of tenant, type, id, version, form and body: the bytes as they were written."""
METHODS: tuple[Method, ...] = ("POST", "PUT", "DELETE", "PATCH")
COLUMNS = "r.type, r.fhir_id, v.version, v.updated, v.form, v.body, v.t"
"""What `to_versions` needs, of resource r and version v."""


def form_of(method: Method, dictionary: int) -> int:
    """The column `form`."""
    return dictionary * 4 + METHODS.index(method)


def to_versions(
    rows: Iterable[Row], lookup: Lookup, unpack: Unpack, tenant: Tenant
) -> list[Version]:
    """Rows of COLUMNS, all of them the tenant's."""
    return [to_version(row, lookup, unpack, tenant) for row in rows]


def to_version(row: Row, lookup: Lookup, unpack: Unpack, tenant: Tenant) -> Version:
    """A row that begins with COLUMNS."""
    type_id, fhir_id, version, updated, form, body, t, *_ = row
    type, id = lookup.type_name(type_id), expand(fhir_id)
    rest = unpack(tenant, type, id, version, form, body)
    return Version(type, id, version, updated * 1000, METHODS[form & 3], rest, t)
