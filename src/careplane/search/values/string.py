"""String rows (FHIR R4, 3.1.1.4.8): texts, and the parts of names and addresses."""

from __future__ import annotations

from typing import Any

from careplane.search.fold import fold
from careplane.search.rows import Param, Rows, StringRow

_new = tuple.__new__
_NAME = (("text", "family"), ("given", "prefix", "suffix"))
_ADDRESS = (("text", "city", "district", "state", "country", "postalCode"), ("line",))


def text(rows: Rows, param: Param, value: str) -> None:
    """A string or markdown."""
    rows.strings.append(_new(StringRow, (param, fold(value), value)))


def name(rows: Rows, param: Param, value: Any) -> None:
    """A HumanName: any of its parts."""
    _parts(rows, param, value, *_NAME)


def address(rows: Rows, param: Param, value: Any) -> None:
    """An Address: any of its parts."""
    _parts(rows, param, value, *_ADDRESS)


def _parts(
    rows: Rows, param: Param, value: Any, single: tuple[str, ...], many: tuple[str, ...]
) -> None:
    for attribute in single:
        if (found := getattr(value, attribute)) is not None:
            text(rows, param, found)
    for attribute in many:
        for found in getattr(value, attribute) or ():
            if found is not None:
                text(rows, param, found)
