"""Between rows of the table `version` and `Version` values."""

from __future__ import annotations

from typing import Any

from careplane.storage.bodies import Bodies
from careplane.storage.engines.sqlite.compact import expand
from careplane.storage.engines.sqlite.known import Lookup
from careplane.storage.ports.records import Method, Version

METHODS: tuple[Method, ...] = ("POST", "PUT", "DELETE", "PATCH")
COLUMNS = "r.type, r.fhir_id, v.version, v.updated, v.form, v.body, v.t"
"""What `to_version` needs, of resource r and version v."""


def form_of(method: Method, dictionary: int) -> int:
    """The column `form`."""
    return dictionary * 4 + METHODS.index(method)


def to_version(row: tuple[Any, ...], lookup: Lookup, bodies: Bodies) -> Version:
    """A row of COLUMNS."""
    type, id, version, updated, form, body, t = row
    return Version(
        lookup.type_name(type),
        expand(id),
        version,
        updated * 1000,
        METHODS[form & 3],
        bodies.unpack(form >> 2, body),
        t,
    )
