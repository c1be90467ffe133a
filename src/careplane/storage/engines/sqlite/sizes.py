"""What a tenant takes up in the file. Numbers take as many bytes as they need, so their rows are
estimated; texts and bodies are measured."""

from __future__ import annotations

from sqlcipher3.dbapi2 import Connection

from careplane.storage.ports.records import Tenant
from careplane.storage.ports.sizes import Sizes

_TAKEN_UP = "SELECT count(*), coalesce(sum(length(body)), 0) FROM version WHERE tenant = ?"
_INTEGER = 5
"""Bytes of a number in a row, on average."""
_WIDTHS = {
    "token": f"{4 * _INTEGER} + length(code)",
    "date": str(6 * _INTEGER),
    "number": str(6 * _INTEGER),
    "quantity": str(7 * _INTEGER),
    "term": f"{3 * _INTEGER} + length(folded) + length(text)",
}
_OF_RESOURCES = {
    "reference": str(3 * _INTEGER),
    "fact": str(5 * _INTEGER),
    "chart": str(8 * _INTEGER),
    "wording": str(2 * _INTEGER),
}
_ROWS = " + ".join(
    [
        f"(SELECT coalesce(sum({width}), 0) FROM {table} WHERE tenant = :tenant)"
        for table, width in _WIDTHS.items()
    ]
    + [
        f"(SELECT coalesce(sum({width}), 0) FROM {table} x JOIN resource r ON r.rid = x.rid "
        "WHERE r.tenant = :tenant)"
        for table, width in _OF_RESOURCES.items()
    ]
)


def sizes(connection: Connection, tenant: Tenant) -> Sizes:
    """All of it, counted now."""
    versions, bodies = connection.execute(_TAKEN_UP, (tenant,)).fetchone()
    (rows,) = connection.execute(f"SELECT {_ROWS}", {"tenant": tenant}).fetchone()
    return Sizes(versions, bodies, rows)
