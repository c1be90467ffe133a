"""`type()` (FHIRPath 2.0, 10.1 Reflection); `is`, `as` and `ofType` are in `operators/types.py`."""

from __future__ import annotations

from careplane.fhir.fhirpath.items import Collection, type_of
from careplane.fhir.fhirpath.values.types import TypeInfo


def type_(focus: Collection) -> list[TypeInfo]:
    return [type_of(item) for item in focus]
