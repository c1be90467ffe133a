"""Uri rows (FHIR R4, 3.1.1.4.13)."""

from __future__ import annotations

from careplane.search.rows import Param, Rows, UriRow

_new = tuple.__new__


def uri(rows: Rows, param: Param, value: str) -> None:
    """A uri, url, oid, uuid, or a canonical with its version."""
    rows.uris.append(_new(UriRow, (param, value)))
