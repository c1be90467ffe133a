"""R4 as data: types, codes, search parameters, compartments, operations. The door to all of it.

Each family reads one generated table on its first use, so that a start pays for what it needs.
"""

from careplane.fhir.definitions.codes import required_codes, required_codings
from careplane.fhir.definitions.compartments import compartment
from careplane.fhir.definitions.model import Binding, Element, Invariant, TypeDef
from careplane.fhir.definitions.operations import OperationDef, OperationParameter, operations
from careplane.fhir.definitions.search import Component, SearchParam, search_parameters
from careplane.fhir.definitions.types import (
    is_primitive,
    is_resource,
    is_subtype,
    type_definition,
    type_names,
)
from careplane.fhir.generated.names import RESOURCE_TYPES

__all__ = [
    "RESOURCE_TYPES",
    "Binding",
    "Component",
    "Element",
    "Invariant",
    "OperationDef",
    "OperationParameter",
    "SearchParam",
    "TypeDef",
    "compartment",
    "is_primitive",
    "is_resource",
    "is_subtype",
    "operations",
    "required_codes",
    "required_codings",
    "search_parameters",
    "type_definition",
    "type_names",
]
