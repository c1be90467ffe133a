"""Which search parameters ask for nothing but what the de-identified view shows, unchanged."""

from __future__ import annotations

from careplane.access.masks.parameters import read_by
from careplane.access.masks.paths import Path
from careplane.fhir.definitions import is_primitive, type_definition
from careplane.search.registry import Parameter

_TYPES = frozenset({"token", "reference"})
_UNCHANGED = frozenset({"boolean", "code", "Coding", "CodeableConcept", "Reference"})
"""Not dates, numbers and quantities: their exact values are coarser in the view."""
_META = frozenset({("meta", "security")})
_ID = ("id",)
"""Asked for by pseudonym."""
_GONE = frozenset({"meta", "text", "contained", "implicitRules", "language"})


def offered(type: str, parameter: Parameter) -> bool:
    """Whether somebody with this view may search a type by it."""
    return (
        parameter.type in _TYPES
        and not parameter.components
        and all(_is_shown(type, path) for path in read_by(type, parameter))
    )


def _is_shown(type: str, path: Path) -> bool:
    if path == _ID:
        return True
    if not path or (path[0] in _GONE and path not in _META):
        return False
    for name in path:
        known = None if is_primitive(type) else type_definition(type).json_names.get(name)
        if known is None:
            return False
        type = known[1]
    return type in _UNCHANGED
