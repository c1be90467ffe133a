"""FHIRPath 2.0 with the additions of FHIR R4: parse a text, evaluate or translate its AST."""

from careplane.fhir.fhirpath.checker import check
from careplane.fhir.fhirpath.engine import Shared, evaluate, evaluate_boolean
from careplane.fhir.fhirpath.items import Collection, Item
from careplane.fhir.fhirpath.node import Node, root_node
from careplane.fhir.fhirpath.parser import parse
from careplane.fhir.fhirpath.scope import Environment, Profiles, Terminology

__all__ = [
    "Collection",
    "Environment",
    "Item",
    "Node",
    "Profiles",
    "Shared",
    "Terminology",
    "check",
    "evaluate",
    "evaluate_boolean",
    "parse",
    "root_node",
]
