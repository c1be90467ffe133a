"""Between rows of the table `version` and `Version` values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from careplane.storage.bodies import Bodies
from careplane.storage.engines.sqlite.compact import expand
from careplane.storage.engines.sqlite.known import Lookup
from careplane.storage.ports.records import Method, Version

Row: TypeAlias = tuple[Any, ...]
METHODS: tuple[Method, ...] = ("POST", "PUT", "DELETE", "PATCH")
COLUMNS = "r.type, r.fhir_id, v.version, v.updated, v.form, v.body, v.t"
"""What `to_versions` needs, of resource r and version v."""


def form_of(method: Method, dictionary: int) -> int:
    """The column `form`."""
    return dictionary * 4 + METHODS.index(method)


def to_versions(rows: Iterable[Row], lookup: Lookup, bodies: Bodies) -> list[Version]:
    """Rows of COLUMNS."""
    name, unpack = lookup.type_name, bodies.unpack
    return [
        Version(
            name(type), expand(id), version, updated * 1000, METHODS[form & 3],
            unpack(form >> 2, body), t,
        )
        for type, id, version, updated, form, body, t in rows
    ]  # fmt: skip
