"""Reference rows (FHIR R4, 3.1.1.4.12), and what else a reference says.

`Type/id`, with a version or without, is a resource here; all else that is absolute is a uri of the
same parameter; a fragment leads nowhere outside of its resource.
"""

from __future__ import annotations

from typing import Any

from careplane.fhir.definitions import is_resource
from careplane.fhir.translate.runtime import head
from careplane.search.fold import fold
from careplane.search.rows import Param, ReferenceRow, Rows, StringRow, TokenRow, UriRow

_new = tuple.__new__


def reference(
    rows: Rows, param: Param, text: Param | None, identifier: Param | None, value: Any
) -> None:
    """A Reference: its text, its logical identifier, its display."""
    if (target := value.reference) is not None:
        link(rows, param, target)
    if identifier is not None and (logical := value.identifier) is not None:
        system, content = logical.system, logical.value
        if content is not None or system is not None:
            rows.tokens.append(_new(TokenRow, (identifier, system, content or "")))
    if text is not None and (display := value.display) is not None:
        rows.strings.append(_new(StringRow, (text, fold(display), display)))


def link(rows: Rows, param: Param, target: str) -> None:
    """The text of a reference, or a canonical or uri that stands for one."""
    type_name, slash, rest = target.partition("/")
    if slash and is_resource(type_name):
        rows.references.append(_new(ReferenceRow, (param, type_name, rest.partition("/")[0])))
    elif target[:1] != "#":
        rows.uris.append(_new(UriRow, (param, target)))


def inner(rows: Rows, param: Param, value: Any, type_name: str) -> None:
    """A resource inside of a Bundle, as if it were referred to."""
    found = head(value)
    if found.id is not None and found.resourceType == type_name:
        rows.references.append(_new(ReferenceRow, (param, type_name, found.id)))
