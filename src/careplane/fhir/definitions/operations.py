"""OperationDefinitions of R4 (3.2 Operations) as rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

_URL = "http://hl7.org/fhir/OperationDefinition/"


@dataclass(frozen=True, slots=True)
class OperationParameter:
    """One parameter in or out; `max` is None for `*`, `parts` nest."""

    name: str
    use: Literal["in", "out"]
    min: int
    max: int | None
    type: str
    search_type: str
    targets: tuple[str, ...]
    parts: tuple[OperationParameter, ...]


@dataclass(frozen=True, slots=True)
class OperationDef:
    """One operation, and where it may be called: on the system, a type, an instance. `canonical`
    is the URL of one that R4 does not have."""

    id: str
    code: str
    resources: tuple[str, ...]
    system: bool
    type: bool
    instance: bool
    affects_state: bool
    parameters: tuple[OperationParameter, ...]
    canonical: str = ""
    """Its URL where an implementation guide defines it; empty for those of R4."""

    @property
    def url(self) -> str:
        """Its canonical URL."""
        return self.canonical or _URL + self.id


@cache
def operations() -> tuple[OperationDef, ...]:
    """Every operation of R4, in the order of their ids."""
    from careplane.fhir.generated.operations import OPERATIONS  # on first use only

    return tuple(_operation(*row) for row in OPERATIONS)


def _operation(*row: Any) -> OperationDef:
    columns = list(row)
    columns[7] = tuple(_parameter(*p) for p in columns[7])
    return OperationDef(*columns)


def _parameter(*row: Any) -> OperationParameter:
    columns = list(row)
    columns[7] = tuple(_parameter(*p) for p in columns[7])
    return OperationParameter(*columns)
