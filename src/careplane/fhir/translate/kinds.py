"""Which types can be compared with each other (FHIRPath 2.0, 6.1 and 6.2), and type tests."""

from __future__ import annotations

from careplane.fhir.definitions import is_subtype, type_definition
from careplane.fhir.fhirpath import ast
from careplane.fhir.translate.flow import Untranslatable

_KINDS = {
    "text": (
        "string", "code", "id", "markdown", "uri", "url", "canonical", "oid", "uuid", "xhtml",
        "base64Binary", "System.String",
    ),
    "number": (
        "integer", "positiveInt", "unsignedInt", "decimal", "System.Integer", "System.Decimal",
    ),
    "boolean": ("boolean", "System.Boolean"),
    "moment": ("date", "dateTime", "instant", "System.Date", "System.DateTime"),
    "time": ("time", "System.Time"),
    "quantity": ("Quantity", "Age", "Count", "Distance", "Duration", "System.Quantity"),
}  # fmt: skip
_KIND = {name: kind for kind, names in _KINDS.items() for name in names}

# Names of FHIRPath's own types, as authors of R4 use them for FHIR's primitives.
_WRITTEN = {
    "Boolean": "boolean",
    "String": "string",
    "Integer": "integer",
    "Decimal": "decimal",
    "Date": "date",
    "DateTime": "dateTime",
    "Time": "time",
}


def kind(name: str) -> str:
    """What values of the type are compared as; other types are their own kind."""
    return _KIND.get(name, name)


def is_primitive(name: str) -> bool:
    """Whether values of the type are plain Python values."""
    return kind(name) not in (name, "quantity")


def of_type(name: str, wanted: ast.TypeName) -> bool:
    """Whether a value of the type is one of the wanted type, by their definitions alone."""
    if wanted.namespace == "System":
        return name == f"System.{wanted.name}"
    target = _WRITTEN.get(wanted.name, wanted.name)
    if target[:1].isupper():
        try:
            type_definition(target)
        except KeyError as unknown:
            raise Untranslatable(f"type {wanted.name}") from unknown
    return not name.startswith("System.") and is_subtype(name, target)


def selected(name: str, wanted: ast.TypeName) -> bool:
    """The same for `as` and `ofType`, which take a primitive only for what it is declared to be."""
    if is_primitive(name) and wanted.namespace != "System":
        return name == _WRITTEN.get(wanted.name, wanted.name)
    return of_type(name, wanted)
