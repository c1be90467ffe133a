"""Names of types: what `type()` returns, and what `is`, `as` and `ofType` look for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

SYSTEM_TYPES: Final = frozenset(
    ("Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity", "Any")
)


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """System.SimpleTypeInfo and ClassInfo: a namespace, `System` or `FHIR`, and a name."""

    namespace: str
    name: str
    type_name: ClassVar[str] = "TypeInfo"

    def __str__(self) -> str:
        return f"{self.namespace}.{self.name}"
